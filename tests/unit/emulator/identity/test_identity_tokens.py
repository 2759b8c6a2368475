"""Tokens identify a principal, and are rejected for the right reason."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.common.clouds import PUBLIC
from adf_trigger.emulator.identity.tokens import (
    Identity,
    TokenAudienceInvalid,
    TokenAuthority,
    TokenError,
    TokenExpired,
    TokenMalformed,
    TokenSignatureInvalid,
    TokenTenantInvalid,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ARM = "https://management.azure.com"
TENANT = "72f988bf-0000-4000-8000-000000000001"
ALICE = Identity(
    tenant_id=TENANT,
    object_id="0b1ec7ed-0000-4000-8000-000000000002",
    app_id="c11e47ed-0000-4000-8000-000000000003",
    name="alice",
    roles=frozenset({"Reader", "Data Factory Contributor"}),
)


@pytest.fixture(scope="module")
def authority() -> TokenAuthority:
    """One key for the module: generating it takes a while."""
    return TokenAuthority(TENANT)


@pytest.mark.parametrize("audience", sorted(PUBLIC.arm_audiences))
def test_a_token_names_its_principal(authority: TokenAuthority, audience: str) -> None:
    """The principal of an issued token is read back, for each audience that ARM accepts."""
    principal = authority.verify(authority.issue(ALICE, audience, now=NOW), NOW)
    assert (principal.tenant_id, principal.object_id, principal.app_id) == (
        ALICE.tenant_id,
        ALICE.object_id,
        ALICE.app_id,
    )
    assert (principal.name, principal.roles, principal.audience) == (ALICE.name, ALICE.roles, audience)
    assert principal.expires_at == NOW + timedelta(seconds=3599)


def test_an_expired_token_is_rejected_with_its_expiry(authority: TokenAuthority) -> None:
    """A token is valid before its expiry and rejected at it, with the time."""
    token = authority.issue(ALICE, ARM, now=NOW, lifetime=timedelta(seconds=60))
    authority.verify(token, NOW + timedelta(seconds=59))
    with pytest.raises(TokenExpired) as refusal:
        authority.verify(token, NOW + timedelta(seconds=60))
    assert refusal.value.expires_at == NOW + timedelta(seconds=60)


def test_a_token_may_be_issued_expired(authority: TokenAuthority) -> None:
    """A negative lifetime gives a token that was never valid."""
    with pytest.raises(TokenExpired):
        authority.verify(authority.issue(ALICE, ARM, now=NOW, lifetime=timedelta(hours=-1)), NOW)


def test_a_token_of_another_service_is_rejected(authority: TokenAuthority) -> None:
    """The audience must be ARM's, and the error has the actual one."""
    with pytest.raises(TokenAudienceInvalid) as refusal:
        authority.verify(authority.issue(ALICE, "https://vault.azure.net", now=NOW), NOW)
    assert refusal.value.audience == "https://vault.azure.net"


def test_a_token_of_another_tenant_is_rejected(authority: TokenAuthority) -> None:
    """The tenant must be the trusted one, and the error has the actual one."""
    stranger = Identity(tenant_id="elsewhere", object_id="o", app_id="a", name="mallory")
    with pytest.raises(TokenTenantInvalid) as refusal:
        authority.verify(authority.issue(stranger, ARM, now=NOW), NOW)
    assert refusal.value.tenant_id == "elsewhere"


def test_a_token_signed_by_another_key_is_rejected(authority: TokenAuthority) -> None:
    """An otherwise valid token of another authority is rejected."""
    with pytest.raises(TokenSignatureInvalid):
        authority.verify(TokenAuthority(TENANT).issue(ALICE, ARM, now=NOW), NOW)


def test_an_unsigned_token_is_rejected(authority: TokenAuthority) -> None:
    """The algorithm `none` is no signature."""
    claims = jwt.decode(authority.issue(ALICE, ARM, now=NOW), options={"verify_signature": False})
    with pytest.raises(TokenMalformed):
        authority.verify(jwt.encode(claims, "", algorithm="none"), NOW)


@pytest.mark.parametrize("claim", ["aud", "iss", "exp", "tid", "oid", "appid"])
def test_a_token_without_a_claim_is_malformed(authority: TokenAuthority, claim: str) -> None:
    """Every claim of an identity or an expiry is required."""
    claims = jwt.decode(authority.issue(ALICE, ARM, now=NOW), options={"verify_signature": False})
    del claims[claim]
    with pytest.raises(TokenMalformed, match=claim):
        authority.verify(jwt.encode(claims, authority._key, algorithm="RS256"), NOW)


@given(st.text())
def test_any_text_is_rejected_as_a_token_error(text: str) -> None:
    """Whatever text is sent as a token, it is a token error and nothing else."""
    with pytest.raises(TokenError):
        _ANY.verify(text, NOW)


_ANY = TokenAuthority(TENANT)


def test_the_published_key_verifies_a_token(authority: TokenAuthority) -> None:
    """The key set is enough for another party to check a token."""
    token = authority.issue(ALICE, ARM, now=utcnow())
    keys = jwt.PyJWKSet.from_dict(authority.jwks())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=ARM)
    assert claims["oid"] == ALICE.object_id

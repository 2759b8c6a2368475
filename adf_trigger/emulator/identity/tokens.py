"""Access tokens of the local stack: RS256-signed JWTs, issued by the identity endpoints, checked by ARM."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from adf_trigger.emulator.common.clouds import PUBLIC

if TYPE_CHECKING:
    from jwt.types import Options

DEFAULT_LIFETIME = timedelta(seconds=3599)
"""How long Entra ID says a token of the client credentials grant lasts."""

_ALGORITHM = "RS256"
_REQUIRED_CLAIMS = ["aud", "iss", "exp", "tid", "oid", "appid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A service principal or a managed identity.

    Attributes:
        tenant_id: its directory.
        object_id: of the service principal, which role assignments and ARM's messages name.
        app_id: the client id.
        name: display name.
        roles: names of its Azure roles, which apply to everything: "Data Factory Contributor", "Contributor",
            "Reader", "ADF Trigger" (the project's own least-privilege role). Without any, it is known
            but may do nothing.
    """

    tenant_id: str
    object_id: str
    app_id: str
    name: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal(Identity):
    """The principal of a verified token.

    Attributes:
        audience: the `aud` claim.
        expires_at: aware, UTC.
    """

    audience: str
    expires_at: datetime


class TokenError(Exception):
    """A token is not accepted."""


class TokenMalformed(TokenError):
    """It is not a JWT, or lacks a claim."""


class TokenSignatureInvalid(TokenError):
    """It is not signed by this authority's key."""


class TokenExpired(TokenError):
    """It expired at `expires_at` (aware, UTC)."""

    def __init__(self, expires_at: datetime) -> None:
        super().__init__(f"the token expired at {expires_at:%Y-%m-%dT%H:%M:%SZ}")
        self.expires_at = expires_at


class TokenAudienceInvalid(TokenError):
    """It was issued for `audience`, another service."""

    def __init__(self, audience: str) -> None:
        super().__init__(f"the token is for {audience!r}")
        self.audience = audience


class TokenTenantInvalid(TokenError):
    """It was issued in `tenant_id`, another directory."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"the token was issued in tenant {tenant_id!r}")
        self.tenant_id = tenant_id


class TokenAuthority:
    """Signs and verifies tokens, with an RSA key of its own.

    Args:
        tenant_id: the directory that the checked service trusts. Tokens of other tenants can be issued, but
            are rejected.
        audiences: values of `aud` that the checked service accepts.
    """

    def __init__(self, tenant_id: str, *, audiences: frozenset[str] = PUBLIC.arm_audiences) -> None:
        self.tenant_id = tenant_id
        self.audiences = audiences
        self.key_id = uuid4().hex
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(
        self, identity: Identity, audience: str, *, now: datetime, lifetime: timedelta = DEFAULT_LIFETIME
    ) -> str:
        """A signed token with the claims of Entra ID's v1.0 app-only access tokens (which ARM gets).

        Args:
            identity: subject of the token.
            audience: resource it is for, exactly as requested.
            now: aware; the time of issue.
            lifetime: may be negative, for a token that has expired.
        """
        issued = int(now.timestamp())
        expires = int((now + lifetime).timestamp())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{identity.tenant_id}/",
            "iat": issued,
            "nbf": min(issued, expires),
            "exp": expires,
            "appid": identity.app_id,
            "app_displayname": identity.name,
            "idtyp": "app",
            "oid": identity.object_id,
            "sub": identity.object_id,
            "tid": identity.tenant_id,
            "uti": uuid4().hex,
            "ver": "1.0",
            "roles": sorted(identity.roles),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": self.key_id})

    def verify(self, token: str, now: datetime) -> Principal:
        """The principal of a token.

        Args:
            token: without the word "Bearer".
            now: aware; the token must be valid at this time, to the second, without leeway.

        Raises:
            TokenMalformed: it is not a JWT, or lacks a claim.
            TokenSignatureInvalid: it is signed with another key.
            TokenExpired: it has expired.
            TokenTenantInvalid: it is of another tenant.
            TokenAudienceInvalid: it is for another service.
        """
        principal = _principal(self._claims(token))
        if principal.expires_at <= now:
            raise TokenExpired(principal.expires_at)
        if principal.tenant_id != self.tenant_id:
            raise TokenTenantInvalid(principal.tenant_id)
        if principal.audience not in self.audiences:
            raise TokenAudienceInvalid(principal.audience)
        return principal

    def jwks(self) -> dict[str, Any]:
        """The public key, as a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.key_id, "use": "sig", "alg": _ALGORITHM}]}

    def _claims(self, token: str) -> dict[str, Any]:
        options: Options = {
            "require": _REQUIRED_CLAIMS,
            "verify_aud": False,
            # Times are checked against the caller's clock, not the library's.
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            return jwt.decode(token, self._key.public_key(), algorithms=[_ALGORITHM], options=options)
        except jwt.InvalidSignatureError as exc:
            raise TokenSignatureInvalid("the signature of the token does not match the key") from exc
        except jwt.InvalidTokenError as exc:
            raise TokenMalformed(str(exc)) from exc


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(
        tenant_id=claims["tid"],
        object_id=claims["oid"],
        app_id=claims["appid"],
        name=claims.get("app_displayname", claims["appid"]),
        roles=frozenset(claims.get("roles", ())),
        audience=claims["aud"],
        expires_at=datetime.fromtimestamp(int(claims["exp"]), tz=UTC),
    )

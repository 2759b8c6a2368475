"""Secrets are masked, and nothing else changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.common.masking import MASK, masked

SECRET = "s3cret-value"
TEXT = st.text(st.characters(exclude_characters=";=@"), min_size=1, max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
SECURE = st.sampled_from(
    [
        {"type": "SecureString", "value": SECRET},
        {"type": "secureString", "defaultValue": SECRET},
        {"type": "SECURESTRING", "Value": SECRET},
        {"password": f"@@{SECRET}"},
        {"connectionString": f"AccountName=a;AccountKey={SECRET}"},
        {"servicePrincipalKey": SECRET},
        {"sasUri": f"https://x?sv=1&sig={SECRET}&se=2"},
    ]
)


@given(PLAIN, SECURE, st.lists(TEXT, max_size=4))
def test_a_secret_is_masked_however_deep(plain: Any, secure: dict[str, Any], path: list[str]) -> None:
    """Wherever a secret is, the reply does not hold it, and the original is unchanged."""
    value: Any = secure
    for step in path:
        value = {step: [value, plain]}
    document = {"properties": value}
    assert SECRET not in repr(masked(document))
    assert SECRET in repr(document)


@given(PLAIN, SECURE, st.lists(TEXT, max_size=4))
def test_inputs_of_activities_are_masked_by_the_same_rules(
    plain: Any, secure: dict[str, Any], path: list[str]
) -> None:
    """Evaluated values show no secret either, however deep."""
    value: Any = secure
    for step in path:
        value = [{step: value}, plain]
    assert SECRET not in repr(masked({"typeProperties": value}, evaluated=True))


def test_an_evaluated_secret_may_look_like_an_expression() -> None:
    """After evaluation, a leading @ is a character of the secret; in a document it begins an expression."""
    properties = {"password": "@s3cret"}
    assert masked(properties, evaluated=True) == {"password": MASK}
    assert masked(properties) == properties


@pytest.mark.parametrize("kind", ["SecureString", "secureString", "AzureKeyVaultSecret"])
def test_a_masked_text_is_a_text(kind: str) -> None:
    """A header or a property of an authentication stays a text and does not become an object."""
    headers = {"X-Key": {"type": kind, "value": SECRET, "secretName": "n"}, "X-Plain": "p"}
    assert masked(headers, evaluated=True, as_text=True) == {"X-Key": MASK, "X-Plain": "p"}


@pytest.mark.parametrize(
    "properties",
    [
        {"activities": [{"name": "a", "typeProperties": {"value": "x"}}]},
        {"typeProperties": {"connectionString": "UseDevelopmentStorage=true"}},
        {"typeProperties": {"password": "@pipeline().parameters.p"}},
        {"typeProperties": {"password": {"type": "AzureKeyVaultSecret", "secretName": "n"}}},
        {"parameters": {"p": {"type": "String", "defaultValue": "x"}}},
    ],
)
def test_other_values_stay(properties: dict[str, Any]) -> None:
    """Plain values, expressions and references to a vault are returned unchanged."""
    assert masked(properties) == properties


def test_a_connection_string_that_is_a_secure_string_is_masked_whole() -> None:
    """No part of it is shown."""
    given_ = {"connectionString": {"type": "SecureString", "value": "AccountName=a;AccountKey=b"}}
    assert masked(given_) == {"connectionString": {"type": "SecureString", "value": MASK}}

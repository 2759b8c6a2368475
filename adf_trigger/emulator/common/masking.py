"""Masks secrets: SecureStrings, properties that hold secrets, and the secrets inside connection strings.

Documents and the inputs of activities share this one set of rules.
"""

import re
from typing import Any

MASK = "**********"

_SECRETS_OF_CONNECTION_STRINGS = re.compile(
    r"(?:(?<=;)|^)\s*"
    r"(?:AccountKey|SharedAccessSignature|SharedAccessKey|Password|Pwd|Account\s?Key|Access\s?Key)"
    r"\s*=[^;]*;?",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"(?<=[?&]sig=)[^&]*", re.IGNORECASE)
_SECRET_NAMES = frozenset(
    {
        "password",
        "accountkey",
        "sastoken",
        "clientsecret",
        "serviceprincipalkey",
        "serviceprincipalcredential",
        "serviceprincipalembeddedcert",
        "serviceprincipalembeddedcertpassword",
        "accesstoken",
        "apikey",
        "secretaccesskey",
        "encryptedcredential",
        "pfx",
    }
)


def is_secure_string(value: Any) -> bool:
    """Whether a JSON value is a SecureString: an object whose type says so, in any case."""
    return isinstance(value, dict) and str(value.get("type")).lower() == "securestring"


def is_vault_secret(value: Any) -> bool:
    """Whether a JSON value is a reference to a secret of an Azure Key Vault."""
    return isinstance(value, dict) and str(value.get("type")).lower() == "azurekeyvaultsecret"


def masked(properties: Any, *, evaluated: bool = False, as_text: bool = False) -> Any:
    """A copy of the properties with masked secrets.

    Args:
        properties: JSON of a document, or of an activity's input.
        evaluated: expressions are evaluated already; otherwise an expression in the place of a secret is shown.
        as_text: replace a secret that is an object (a SecureString, a reference to a vault) by the mask alone, where
            a text is expected.
    """
    if isinstance(properties, list):
        return [masked(item, evaluated=evaluated, as_text=as_text) for item in properties]
    if not isinstance(properties, dict):
        return properties
    if as_text and (is_secure_string(properties) or is_vault_secret(properties)):
        return MASK
    if is_secure_string(properties):
        return {
            name: MASK if name.lower() in {"value", "defaultvalue"} else item
            for name, item in properties.items()
        }
    return {
        name: _text(name.lower(), item, evaluated=evaluated)
        if isinstance(item, str)
        else masked(item, evaluated=evaluated, as_text=as_text)
        for name, item in properties.items()
    }


def _text(name: str, value: str, *, evaluated: bool) -> str:
    if name == "connectionstring":
        return _SECRETS_OF_CONNECTION_STRINGS.sub("", value)
    if name == "sasuri":
        return _SIGNATURE.sub(MASK, value)
    if name in _SECRET_NAMES and (evaluated or not _is_expression(value)):
        return MASK
    return value


def _is_expression(value: str) -> bool:
    return value.startswith("@") and not value.startswith("@@")

"""What the service never shows again: SecureStrings, and the secrets inside connection strings."""

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


def masked(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties of a document as a reply shows them; the original stays as it is."""
    shown = _masked(properties)
    if not isinstance(shown, dict):
        raise TypeError(properties)
    return shown


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("type")).lower() == "securestring":
        return {name: MASK if name in {"value", "defaultValue"} else item for name, item in value.items()}
    return {name: _property(name.lower(), item) for name, item in value.items()}


def _property(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return _masked(value)
    if name == "connectionstring":
        return _SECRETS_OF_CONNECTION_STRINGS.sub("", value)
    if name == "sasuri":
        return _SIGNATURE.sub(MASK, value)
    if name in _SECRET_NAMES and not value.startswith("@"):
        return MASK
    return value

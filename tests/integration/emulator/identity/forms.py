"""Forms that are posted to the token endpoints."""

from adf_trigger.emulator.hosting import defaults

SCOPE = "https://management.azure.com/.default"
SECRET = "the.secret~1"
OWNER = defaults.OWNER_CLIENT_ID
NO_SUCH_ID = "00000000-0000-4000-8000-000000000000"


def good(**changes: str) -> dict[str, str]:
    """A valid form, with changes; an empty value removes the field."""
    form = {
        "grant_type": "client_credentials",
        "client_id": OWNER,
        "client_secret": SECRET,
        "scope": SCOPE,
    }
    return {name: value for name, value in (form | changes).items() if value}

"""The inputs shown in activity runs hold no secret, whichever the activity."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.activities.callbacks import PendingCallbacks
from adf_trigger.emulator.activities.catalogue import EXECUTION
from adf_trigger.emulator.activities.validation import validation
from adf_trigger.emulator.activities.webhook import webhook
from adf_trigger.emulator.contract.activity import Activity, ActivityFailed
from adf_trigger.emulator.engine.secrets import revealed
from tests.support.activity_context import Context

SECRET = "s3cret-value"
REACHING: dict[str, Any] = {
    **EXECUTION,
    "Validation": validation,
    "WebHook": webhook(PendingCallbacks(lambda: "http://127.0.0.1:1")),
}


async def input_of_failure(activity: Activity, properties: dict[str, Any]) -> Any:
    """The shown input of a failing activity."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500))) as http:
        with pytest.raises(ActivityFailed) as caught:
            await activity(Context({"name": "A", "typeProperties": properties}, http))
    return caught.value.input


@pytest.mark.parametrize("secure", ["SecureString", "secureString"])
@pytest.mark.parametrize("name", sorted(REACHING))
def test_a_secure_string_is_shown_by_no_activity(name: str, secure: str) -> None:
    """It is masked however its type is spelled and wherever it is; the rest is shown."""
    secret = {"type": secure, "value": SECRET}
    properties = {
        "source": {"type": "RestSource", "requestBody": [secret], "plain": "to be seen"},
        "headers": {"X-Key": secret, "X-Plain": "to be seen"},
        "body": {"key": secret},
        "method": "BREW",
    }
    shown = json.dumps(asyncio.run(input_of_failure(REACHING[name], properties)))
    assert SECRET not in shown
    assert "to be seen" in shown


def test_a_masked_value_is_revealed_for_use() -> None:
    """A secureString reaches the called service as its text, in whatever case its type is written."""

    async def ask_vault(reference: Any) -> str:
        return f"kept as {reference['secretName']}"

    written = [
        {"type": "secureString", "value": SECRET},
        {"k": {"type": "azureKeyVaultSecret", "secretName": "n"}},
    ]
    assert asyncio.run(revealed(written, ask_vault)) == [SECRET, {"k": "kept as n"}]

"""Values of secure parameters that the service repeats in its replies."""

import logging
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.azure.scrubbing import Scrubber
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import DataFactoryError
from tests.unit.datafactory.service import Service, answer
from tests.unit.datafactory.test_datafactory_runs import RUN_ID

SECRETS = [
    "hunter2-hunter2",
    'quo"ted\\back/slash',
    "zeile\neins ü\U0001f600",
    "<b>&amp;</b>",
    "with spaces + and %",
    "7x",
]


def texts_of(error: DataFactoryError, caplog: pytest.LogCaptureFixture) -> str:
    """All texts of an error and of the logs."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    logs = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    return "\n".join([repr(each) + str(each) + str(vars(each)) for each in causes] + logs)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_an_error_that_repeats_a_secret_is_scrubbed(
    client: DataFactoryClient,
    service: Service,
    caplog: pytest.LogCaptureFixture,
    status: int,
    secret: str,
) -> None:
    """Text, code, target, details and ids: neither the error nor a log has the value, however encoded."""
    caplog.set_level(logging.DEBUG)
    error: dict[str, Any] = {
        "code": secret,
        "message": f"The value '{secret}' of {{'p': {secret!r}}} at ?p={quote(secret)} is refused",
        "target": f"pipeline/{secret}",
        "details": [{"message": f"once more: {secret}"}],
    }
    service.answers(answer(status, {"error": error}, x_ms_request_id=f"r-{quote(secret)}"))
    with pytest.raises(DataFactoryError) as caught:
        client.create_run("load", {"p": secret}, client_request_id=RUN_ID, secrets=[secret])
    for form in (secret, quote(secret), quote(secret, safe="")):
        assert form not in texts_of(caught.value, caplog).replace(RUN_ID.hex, "").replace(str(RUN_ID), "")


def test_a_secret_at_a_truncation_does_not_show_in_part(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Texts are scrubbed before truncation, and a value that the service itself has truncated is found, too."""
    secret = "correct-horse-battery-staple"
    service.answers(
        answer(
            400, {"error": {"code": "BadRequest", "message": "x" * 1_990 + secret + " " + secret[:14] + "…"}}
        )
    )
    with pytest.raises(DataFactoryError) as caught:
        client.create_run("load", {}, client_request_id=RUN_ID, secrets=[secret])
    assert "correct" not in texts_of(caught.value, caplog)


def test_an_unreadable_success_does_not_repeat_a_secret_either(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """A runId that is no GUID is quoted, and may be anything."""
    service.answers(answer(200, {"runId": "hunter2-hunter2"}))
    with pytest.raises(DataFactoryError) as caught:
        client.create_run("load", {}, client_request_id=RUN_ID, secrets=["hunter2-hunter2"])
    assert "hunter2" not in texts_of(caught.value, caplog)


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_no_text_keeps_a_secret(before: str, after: str, secrets: list[str]) -> None:
    """Whatever text is around it, and whatever other secrets there are."""
    for secret in filter(None, secrets):
        scrubbed = Scrubber(secrets)(f"{before}{secret}{after}")
        assert secret not in scrubbed.replace("***", "\x00").replace(
            "(the text repeats a secret value and is left out)", "\x00"
        )


def test_texts_without_secrets_stay_unchanged() -> None:
    """Nothing is removed where nothing is secret."""
    assert Scrubber([])("as it is") == "as it is"
    assert Scrubber(["", "absent-from-it"])("as it is") == "as it is"

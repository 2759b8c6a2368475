"""Which parts of a log record reach Application Insights through the platform's worker."""

import json
import logging
from collections.abc import Iterator

import pytest

from adf_trigger.functions.logs import MAX_FIELDS, configure_logging


class Worker(logging.Handler):
    """Keeps what the platform's worker would send: the formatted text and the level, and nothing of the record."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sent.append((record.levelname, self.format(record)))


@pytest.fixture
def worker() -> Iterator[Worker]:
    """The root logger as the worker configures it, restored afterwards."""
    root, own = logging.getLogger(), logging.getLogger("adf_trigger")
    libraries = [logging.getLogger(name) for name in ("azure", "azure.identity", "urllib3")]
    levels = {logger: logger.level for logger in (root, *libraries)}
    worker = Worker()
    root.addHandler(worker)
    root.setLevel(logging.INFO)
    configure_logging()
    configure_logging()
    yield worker
    for logger, level in levels.items():
        logger.setLevel(level)
    root.removeHandler(worker)
    own.handlers.clear()
    own.propagate = True


def test_action_and_ids_are_in_what_the_worker_sends(worker: Worker) -> None:
    """The fields follow the sentence, as JSON that a query can parse; each record is sent once."""
    logging.getLogger("adf_trigger.service.starting.submit").info(
        "Started %s", "load", extra={"action": "run_started", "request_id": "k-1"}
    )
    ((level, text),) = worker.sent
    sentence, _, fields = text.partition(" {")
    assert (level, sentence) == ("INFO", "Started load")
    assert json.loads("{" + fields) == {"action": "run_started", "request_id": "k-1"}


def test_an_exception_keeps_its_traceback(worker: Worker) -> None:
    """The formatter still adds the exception."""
    try:
        int("broken")
    except ValueError:
        logging.getLogger("adf_trigger.x").exception("It broke", extra={"action": "broke"})
    assert 'It broke {"action":"broke"}\nTraceback' in worker.sent[0][1]


def test_the_fields_are_bounded(worker: Worker) -> None:
    """For any length of a field, the record stays a line."""
    logging.getLogger("adf_trigger.x").warning("Long", extra={"action": "long", "faults": ["x" * 100] * 1000})
    assert len(worker.sent[0][1]) < MAX_FIELDS
    assert '"action":"long"' in worker.sent[0][1]


def test_libraries_are_logged_from_warnings_on(worker: Worker) -> None:
    """The Azure SDK's twenty records a call do not reach the platform; its warnings do."""
    sdk = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    sdk.info("Request URL")
    sdk.warning("Odd")
    assert worker.sent == [("WARNING", "Odd")]


def test_the_level_of_the_root_logger_still_applies(worker: Worker) -> None:
    """Debug records are not sent."""
    logging.getLogger("adf_trigger.service.steps").debug("Step", extra={"action": "step_begins"})
    assert worker.sent == []


def test_a_record_that_cannot_be_formatted_raises_nothing(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    """A self-referencing field is reported on stderr, as logging does with its own errors."""
    circle: list[object] = []
    circle.append(circle)
    logging.getLogger("adf_trigger.x").info("Round", extra={"action": circle})
    assert worker.sent == []
    assert "Logging error" in capsys.readouterr().err


def test_an_answer_of_a_token_service_is_logged_scrubbed_only(worker: Worker) -> None:
    """azure-identity repeats an answer unchanged, which may echo a key: this app logs its own sentence instead."""
    for name in ("azure.identity._internal.decorators", "azure.identity"):
        logging.getLogger(name).warning("configuration not found in environment: 500, echo of the key")
    assert worker.sent == []

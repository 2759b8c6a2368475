"""The requirements of every record that the deployed code logs, in any test."""

import logging
import re
from collections.abc import Iterator

import pytest

DEPLOYED = (
    "azure",
    "contracts",
    "datafactory",
    "events",
    "functions",
    "ledger",
    "messages",
    "replay",
    "service",
    "settings",
    "triggers",
)
"""The deployed folders that log."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SENTENCE = re.compile(r"%s|(?!XX)([A-Z]|[a-z]+[A-Z]|%[ds]).*[a-z]{2}.*(?<!XX)", re.DOTALL)
"""It begins with a capital letter, a name such as createRun or a value, and does not shout."""

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class CheckedRecords(logging.Handler):
    """Notes the faults of the records that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record's faults; an error raised here would count as a fault of the logging code."""
        if record.name.split(".")[1:2] and record.name.split(".")[1] in DEPLOYED:
            self.faults += (f"{record.name}:{record.lineno}: {fault}" for fault in faults_of(record))


def faults_of(record: logging.LogRecord) -> list[str]:
    """The faults of a record: no stable action, a reserved field name, a message that is no text."""
    found = []
    fields = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    action = fields.get("action")
    if not isinstance(action, str) or not _NAME.fullmatch(action):
        found.append(f"the action is {action!r}")
    found += [f"a field is called {name}" for name in fields if not _NAME.fullmatch(name)]
    template = record.msg if isinstance(record.msg, str) else ""
    if not _SENTENCE.fullmatch(template):
        found.append(f"no sentence: {record.msg!r}")
    args = record.args if isinstance(record.args, tuple) else ()
    if any(value is None for value in args):
        found.append(f"it says None: {template % args!r}")
    return found


@pytest.fixture(autouse=True)
def records_can_be_read() -> Iterator[None]:
    """Every record that a test has the deployed code log has an action and is a sentence, whatever else it tests."""
    root, checked = logging.getLogger(), CheckedRecords()
    level = root.level
    root.addHandler(checked)
    root.setLevel(logging.INFO)
    yield
    root.removeHandler(checked)
    root.setLevel(level)
    assert not checked.faults

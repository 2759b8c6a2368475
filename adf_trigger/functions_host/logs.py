"""The host's log: one JSON object a line, with the invocation that each record belongs to."""

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_QUIET = ("azure", "urllib3", "uvicorn", "asyncio")


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which function is running, under which id."""

    function: str
    id: str


current_invocation: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
"""The invocation that the running code belongs to; carried into the function's thread."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, function, invocation, and its `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if invocation := current_invocation.get():
            line |= {"function": invocation.function, "invocation_id": invocation.id}
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(stream: TextIO, level: int = logging.INFO) -> None:
    """Send every record of this process to a stream. Libraries are heard from warnings on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

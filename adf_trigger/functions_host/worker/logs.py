"""The host's log: one JSON object a line, with the invocation that each record belongs to.

What the app logs comes through the platform's worker, which has the root logger at INFO, the SDKs' own loggers
included, and passes on the text of a record alone: what it has in `extra` is lost. The host's own records keep it.
"""

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_OWN = "adf_trigger.functions_host"
_LIBRARIES = ("azure", "urllib3", "asyncio")
_STORAGE_THREADS = "storage"


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which function is running, under which id."""

    function: str
    id: str


current_invocation: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
"""The invocation that the running code belongs to; carried into the function's thread."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, function, invocation; `extra` of the host's own."""

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
        if is_of(record.name, _OWN):
            line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(stream: TextIO, level: int = logging.INFO) -> None:
    """Send the records of this process to a stream.

    The libraries that the host shares with the app are heard from warnings on where the host itself calls them.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(_is_of_the_app_or_matters)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def is_of(name: str, package: str) -> bool:
    """Whether a logger is a package's, or one below it."""
    return name == package or name.startswith(f"{package}.")


def _is_of_the_app_or_matters(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.WARNING or not (record.threadName or "").startswith(_STORAGE_THREADS):
        return True
    return not any(is_of(record.name, library) for library in _LIBRARIES)

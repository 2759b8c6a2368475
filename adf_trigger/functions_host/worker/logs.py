"""The host's log: one JSON object a line, with the invocation of each record.

The platform's worker, which the app logs through, has the root logger at INFO, including the SDKs' own loggers, and
passes on only the text of a record: its `extra` is lost. The host's own records keep it.
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
    """The running function, and the id of its invocation."""

    function: str
    id: str


current_invocation: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
"""The invocation of the running code; passed into the function's thread."""


class JsonLines(logging.Formatter):
    """Formats records as lines of JSON: time, level, logger, message, function, invocation; `extra` of own records."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line end."""
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

    Records of shared libraries below WARNING are dropped where the host itself calls them.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(_is_of_the_app_or_matters)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def is_of(name: str, package: str) -> bool:
    """Whether a logger is that of a package, or below it."""
    return name == package or name.startswith(f"{package}.")


def _is_of_the_app_or_matters(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.WARNING or not (record.threadName or "").startswith(_STORAGE_THREADS):
        return True
    return not any(is_of(record.name, library) for library in _LIBRARIES)

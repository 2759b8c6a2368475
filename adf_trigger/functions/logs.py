"""Adapts logging to the platform: appends a record's fields to its text, and silences libraries.

The platform's worker sends a record's text and level and drops its `extra`, so neither the action nor an id would
reach Application Insights. It also sets the root logger to INFO, at which the Azure SDK logs some twenty records for
one call.
"""

import json
import logging

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OWN = "adf_trigger"
_LIBRARIES = {"azure": logging.WARNING, "azure.identity": logging.CRITICAL, "urllib3": logging.WARNING}
"""Library → the lowest level of its records that is logged. azure-identity logs a token service's answer unscrubbed,
which may echo a key, and misnames its cause; this app logs such failures itself."""
MAX_FIELDS = 2_000
"""Maximum characters of the fields of a record."""


def configure_logging() -> None:
    """Append the `extra` of this app's records to their texts, and log libraries from WARNING on. Once per process.

    A level that is already set for a library stays.
    """
    for name, level in _LIBRARIES.items():
        library = logging.getLogger(name)
        if library.level == logging.NOTSET:
            library.setLevel(level)
    own = logging.getLogger(_OWN)
    if not any(isinstance(handler, _WithFields) for handler in own.handlers):
        own.addHandler(_WithFields())
        own.propagate = False


class _WithFields(logging.Handler):
    """Passes records to the root logger, with the fields of each appended to its text as one JSON object."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        mended = logging.makeLogRecord(vars(record))
        try:
            mended.msg, mended.args = text_of(record), None
        except (TypeError, ValueError, RecursionError):
            self.handleError(record)  # as logging does: logging never raises into its caller
            return
        logging.getLogger().handle(mended)


def text_of(record: logging.LogRecord) -> str:
    """The text of a record with its fields appended."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    text = record.getMessage()
    if not fields:
        return text
    behind = json.dumps(fields, default=str, separators=(",", ":"))
    if len(behind) > MAX_FIELDS:
        known = {name: str(value)[:128] for name, value in list(fields.items())[:10]}
        behind = json.dumps(known, separators=(",", ":"))
    return f"{text} {behind}"

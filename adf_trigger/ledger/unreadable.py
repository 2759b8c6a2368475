"""Skips rows that cannot be decoded, so that they do not hide the others."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from adf_trigger.errors import UnreadableRow

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def readable(row: str, read: Callable[P, T | None], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Decode a row; logs an error and returns None if it cannot be decoded."""
    try:
        return read(*args, **kwargs)
    except UnreadableRow:
        logger.exception(
            "Skipped a row of the ledger that cannot be decoded: %s",
            row,
            extra={"action": "ledger_row_unreadable", "row": row},
        )
        return None

"""Values as text in .NET's invariant culture."""

import json
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_json(value: Any) -> str:
    """Compact JSON, with unescaped non-ASCII characters."""
    return _ENCODER.encode(value)


def as_text(value: Any) -> str:
    """The text of one column.

    Raises:
        DataFailure: the value is an object or an array, which a column cannot contain.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value).upper()  # noqa: PLR2004 - from here .NET uses exponents
    raise DataFailure(
        "UserErrorComplexValueInColumn",
        "An object or an array cannot be written to a column. Map what is inside it, "
        "or set mapComplexValuesToString in the translator.",
        side="Sink",
    )

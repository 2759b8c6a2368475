"""Interim data types: the conversions between them that are emulated."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from adf_trigger.emulator.connectors.common.failures import DataFailure, NotEmulated
from adf_trigger.emulator.connectors.formats.values import as_json, as_text

Convert = Callable[[Any], Any]

_INTEGERS = {
    "sbyte": (-(2**7), 2**7 - 1),
    "byte": (0, 2**8 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}


def converter(type_name: str, *, truncate: bool = True) -> Convert:
    """A function that converts values to an interim type; null stays null.

    The function raises ValueError for a value that cannot be converted.

    Args:
        type_name: in any case.
        truncate: whether a conversion to an integer may drop a fraction.

    Raises:
        NotEmulated: the conversion is not emulated (dates, time spans, byte arrays).
    """
    name = type_name.lower()
    if name in _INTEGERS:
        low, high = _INTEGERS[name]
        return lambda value: _integer(value, low, high, truncate=truncate)
    known: dict[str, Convert] = {
        "string": _string,
        "boolean": _boolean,
        "single": _float,
        "double": _float,
        "decimal": _decimal,
        "guid": _guid,
    }
    if name not in known:
        raise NotEmulated(f"Conversion to the type '{type_name}' in the translator")
    return known[name]


def incompatible(value: Any, column: str, type_name: str) -> DataFailure:
    """The failure for a value that cannot be converted to its column's type."""
    return DataFailure(
        "TypeConversionFailure",
        f"Exception occurred when converting value '{value}' for column name '{column}' "
        f"to type '{type_name}'.",
    )


def _string(value: Any) -> str:
    return as_json(value) if isinstance(value, dict | list) else as_text(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    text = str(value).strip().lower()
    if text not in {"true", "false", "1", "0"}:
        raise ValueError(value)
    return text in {"true", "1"}


def _integer(value: Any, low: int, high: int, *, truncate: bool) -> int:
    given = _decimal_of(value)
    number = int(given)
    if not low <= number <= high or (number != given and not truncate):
        raise ValueError(value)
    return number


def _float(value: Any) -> float:
    return float(_decimal_of(value))


def _decimal(value: Any) -> int | float:
    number = _decimal_of(value)
    return int(number) if number == number.to_integral_value() else float(number)


def _decimal_of(value: Any) -> Decimal:
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, dict | list):
        raise ValueError(value)  # noqa: TRY004 - callers expect one error for all unconvertible values
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as exc:
        raise ValueError(value) from exc
    if not number.is_finite():
        raise ValueError(value)
    return number


def _guid(value: Any) -> str:
    text = str(value).strip()
    if not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}\}?", text):
        raise ValueError(value)
    return str(UUID(text))

"""Checks of function arguments, and the engine's messages for invalid ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.values import (
    is_array,
    is_integer,
    is_number,
    is_object,
    type_name,
)

ONLY: Final = ""
FIRST: Final = "first "
SECOND: Final = "second "
THIRD: Final = "third "

_INT32_MAX: Final = 2**31 - 1


def wrong_type(position: str, expected: str, value: Any) -> ArgumentError:
    """`expects its first parameter to be an array. The provided value is of type 'Null'.`."""
    return ArgumentError(
        f"expects its {position}parameter to be {expected}. The provided value is of type '{type_name(value)}'."
    )


def out_of_range(requirement: str) -> ArgumentError:
    """`parameters are out of range: …`."""
    return ArgumentError(f"parameters are out of range: {requirement}")


def not_convertible() -> ArgumentError:
    """The error of int, float, bool and binary for a value that they cannot convert."""
    return ArgumentError(
        "was invoked with a parameter that is not valid. The value cannot be converted to the target type."
    )


def text(value: Any, position: str = ONLY) -> str:
    """A string."""
    if isinstance(value, str):
        return value
    raise wrong_type(position, "a string", value)


def integer(value: Any, position: str = ONLY) -> int:
    """A whole number."""
    if is_integer(value):
        return value
    raise wrong_type(position, "an integer", value)


def int32(value: Any, position: str) -> int:
    """A whole number of at most 32 bits, for parameters that are an Int32 in .NET."""
    number = integer(value, position)
    if -_INT32_MAX - 1 <= number <= _INT32_MAX:
        return number
    raise out_of_range(f"the value '{number}' does not fit 32 bits.")


def number(value: Any, position: str) -> int | float:
    """An integer or a float."""
    if is_number(value):
        return value
    raise wrong_type(position, "an integer, a float or a decimal number", value)


def array(value: Any, position: str = ONLY) -> Sequence[Any]:
    """An array."""
    if is_array(value):
        return value
    raise wrong_type(position, "an array", value)


def boolean(value: Any, position: str = ONLY) -> bool:
    """A boolean."""
    if isinstance(value, bool):
        return value
    raise wrong_type(position, "a boolean", value)


def objects(values: Sequence[Any]) -> Sequence[Mapping[str, Any]] | None:
    """The values if all of them are objects, else None."""
    return values if all(map(is_object, values)) else None

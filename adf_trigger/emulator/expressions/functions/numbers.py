"""Mathematical functions, on 64-bit integers, whose overflow is an error, and on doubles."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from adf_trigger.emulator.expressions.functions.arguments import (
    FIRST,
    ONLY,
    SECOND,
    int32,
    number,
    out_of_range,
)
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError, ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.values import is_array, is_int64, is_integer

_INT32_MAX: Final = 2**31 - 1
MAX_RANGE: Final = 100_000
"""Maximum items that range returns: the maximum of a ForEach, which also bounds memory."""


def add(left: Any, right: Any) -> int | float:
    """The sum of two numbers."""
    return _arithmetic(left, right, lambda one, other: one + other)


def sub(left: Any, right: Any) -> int | float:
    """The difference of two numbers."""
    return _arithmetic(left, right, lambda one, other: one - other)


def mul(left: Any, right: Any) -> int | float:
    """The product of two numbers."""
    return _arithmetic(left, right, lambda one, other: one * other)


def div(left: Any, right: Any) -> int | float:
    """The quotient of two numbers; that of two integers is truncated towards zero."""
    return _arithmetic(left, right, _quotient, divides="div")


def mod(left: Any, right: Any) -> int | float:
    """The remainder of a division, with the dividend's sign."""
    return _arithmetic(left, right, _remainder, divides="mod")


def max_(*values: Any) -> int | float:
    """The greatest of the numbers, or of an array of numbers."""
    return max(_numbers(values))


def min_(*values: Any) -> int | float:
    """The least of the numbers, or of an array of numbers."""
    return min(_numbers(values))


def rand(scope: Scope, minimum: Any, maximum: Any) -> int:
    """A random integer, from the minimum up to but not including the maximum."""
    low, high = int32(minimum, FIRST), int32(maximum, SECOND)
    if low > high:
        raise out_of_range("the minimum must not be greater than the maximum.")
    return scope.random.randrange(low, high) if low < high else low


def range_(start: Any, count: Any) -> list[int]:
    """`count` consecutive integers."""
    first, number_of_items = int32(start, FIRST), int32(count, SECOND)
    if not 0 <= number_of_items <= MAX_RANGE or first + number_of_items - 1 > _INT32_MAX:
        raise out_of_range(
            f"'count' must be a non-negative integer no larger than {MAX_RANGE} and 'start index' + 'count' - 1 "
            f"must be no larger than {_INT32_MAX}. The provided values are '{first}' and '{number_of_items}'."
        )
    return list(range(first, first + number_of_items))


def _arithmetic(
    left: Any, right: Any, operation: Callable[[Any, Any], Any], *, divides: str = ""
) -> int | float:
    one, other = number(left, FIRST), number(right, SECOND)
    if divides and other == 0:
        raise ExpressionError(
            f"Attempt to divide an integral or decimal value by zero in function '{divides}'."
        )
    if is_integer(one) and is_integer(other):
        whole: int = operation(one, other)
        if not is_int64(whole):
            raise ArgumentError("was invoked with parameters whose result does not fit a 64-bit integer.")
        return whole
    try:
        result: float = operation(float(one), float(other))
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ArgumentError("was invoked with parameters whose result is not a finite number.")
    return result


def _quotient(one: float, other: float) -> float:
    """The quotient; integers are truncated towards zero without doubles, which would lose digits."""
    if isinstance(one, int) and isinstance(other, int):
        magnitude = abs(one) // abs(other)
        return magnitude if (one < 0) == (other < 0) else -magnitude
    return one / other


def _remainder(one: float, other: float) -> float:
    """The remainder, with the dividend's sign, as in C#."""
    if isinstance(one, int) and isinstance(other, int):
        magnitude = abs(one) % abs(other)
        return -magnitude if one < 0 else magnitude
    return math.fmod(one, other)


def _numbers(values: Sequence[Any]) -> list[int | float]:
    given = values[0] if len(values) == 1 and is_array(values[0]) else values
    if not given:
        raise ArgumentError("expects either an array of numbers or a comma separated list of numbers.")
    return [number(value, ONLY) for value in given]

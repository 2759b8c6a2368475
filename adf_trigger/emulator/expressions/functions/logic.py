"""Logical functions. `if`, `and` and `or` evaluate only the arguments they need, as the service's engine does."""

from collections.abc import Callable
from typing import Any

from adf_trigger.emulator.expressions.functions.arguments import FIRST, boolean
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.values import is_number, same, type_name

Operand = Callable[[Scope], Any]
"""An argument that is evaluated when it is called."""


def and_(scope: Scope, *operands: Operand) -> bool:
    """Whether all operands are true; those after the first false one are not evaluated."""
    return all(_operand(operand(scope)) for operand in operands)


def or_(scope: Scope, *operands: Operand) -> bool:
    """Whether any operand is true; those after the first true one are not evaluated."""
    return any(_operand(operand(scope)) for operand in operands)


def if_(scope: Scope, condition: Operand, then: Operand, otherwise: Operand) -> Any:
    """One of two values, depending on a condition; the other is not evaluated."""
    return then(scope) if boolean(condition(scope), FIRST) else otherwise(scope)


def coalesce(scope: Scope, *operands: Operand) -> Any:
    """The first operand that is not null, or null; those after it are not evaluated."""
    return next((value for operand in operands if (value := operand(scope)) is not None), None)


def not_(value: Any) -> bool:
    """The opposite of a boolean."""
    return not boolean(value)


def equals(left: Any, right: Any) -> bool:
    """Deep equality; values of different types are never equal."""
    return same(left, right)


def greater(left: Any, right: Any) -> bool:
    """Whether the left value is greater."""
    return _compare(left, right) > 0


def greater_or_equals(left: Any, right: Any) -> bool:
    """Whether the left value is greater or the same."""
    return _compare(left, right) >= 0


def less(left: Any, right: Any) -> bool:
    """Whether the left value is less."""
    return _compare(left, right) < 0


def less_or_equals(left: Any, right: Any) -> bool:
    """Whether the left value is less or the same."""
    return _compare(left, right) <= 0


def _operand(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ArgumentError(
        f"expects all of its parameters to be booleans. Found invalid parameter types: '{type_name(value)}'."
    )


def _compare(left: Any, right: Any) -> int:
    """Compare numbers by value and strings by their UTF-16 units; other values cannot be ordered."""
    if is_number(left) and is_number(right):
        return (left > right) - (left < right)
    if isinstance(left, str) and isinstance(right, str):
        one, other = left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass")
        return (one > other) - (one < other)
    raise ArgumentError(
        "expects two parameter of matching types. The function was invoked with values of type "
        f"'{type_name(left)}' and '{type_name(right)}' that do not match."
    )

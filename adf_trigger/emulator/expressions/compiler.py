"""Compiles the syntax tree of an expression to one Python function of the scope."""

from collections.abc import Callable, Mapping
from typing import Any

from adf_trigger.emulator.expressions.nodes import Call, Constant, Node, Selection
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError, ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.values import (
    find_key,
    is_array,
    is_integer,
    is_object,
    type_name,
)
from adf_trigger.emulator.expressions.table import Function, function_for_call

Compiled = Callable[[Scope], Any]


def compile_node(node: Node, source: str) -> Compiled:
    """Compile an expression to a function that returns its value in a scope.

    Args:
        node: the expression.
        source: its text, for errors.

    Raises:
        ExpressionError: a function anywhere in the expression does not exist or is called with the wrong number
            of arguments; all other errors are raised by the evaluation.
    """
    match node:
        case Constant(value=value):
            return lambda _: value
        case Call():
            return _call(node, source)
        case Selection(target=Call(name=name, arguments=()), key=Constant(value=str() as key)) if (
            name.lower() == "pipeline" and key.lower() == "parameters"
        ):
            # By far the most frequent reference: avoid building all of pipeline() for it.
            return lambda scope: scope.parameters
        case Selection():
            return _selection(node, source)


def _call(node: Call, source: str) -> Compiled:
    function = function_for_call(node.name, len(node.arguments))
    return _naming_errors(
        _invocation(function, [compile_node(argument, source) for argument in node.arguments]), node.name
    )


def _invocation(function: Function, arguments: list[Compiled]) -> Compiled:
    run = function.implementation
    if function.lazy:
        return lambda scope: run(scope, *arguments)
    if function.scoped:
        return lambda scope: run(scope, *[argument(scope) for argument in arguments])
    match arguments:
        case [only]:
            return lambda scope: run(only(scope))
        case [first, second]:
            return lambda scope: run(first(scope), second(scope))
        case _:
            return lambda scope: run(*[argument(scope) for argument in arguments])


def _naming_errors(run: Compiled, name: str) -> Compiled:
    def call(scope: Scope) -> Any:
        try:
            return run(scope)
        except ArgumentError as exc:
            raise exc.named(name) from exc

    return call


def _selection(node: Selection, source: str) -> Compiled:
    target, safe = compile_node(node.target, source), node.safe
    if isinstance(node.key, Constant):
        constant = node.key.value
        return lambda scope: _select(target(scope), constant, safe=safe, source=source)
    key = compile_node(node.key, source)
    return lambda scope: _select(target(scope), key(scope), safe=safe, source=source)


def _select(value: Any, key: Any, *, safe: bool, source: str) -> Any:
    if is_object(value):
        return _property(value, key, safe=safe, source=source)
    if value is None:
        if safe:
            return None
        raise _cannot_select(source, key)
    if is_array(value):
        if not is_integer(key):
            raise _cannot_select(source, key, "Array elements can only be selected using an integer index.")
        if 0 <= key < len(value):
            return value[key]
        if safe:
            return None
        raise ExpressionError(
            f"The expression '{source}' cannot be evaluated because array index '{key}' is outside bounds "
            f"(0, {len(value) - 1}) of array."
        )
    raise _cannot_select(
        source, key, f"Property selection is not supported on values of type '{type_name(value)}'."
    )


def _property(value: Mapping[str, Any], key: Any, *, safe: bool, source: str) -> Any:
    if not isinstance(key, str):
        raise _cannot_select(source, key, "A property can only be selected using a string.")
    if key in value:
        return value[key]
    found = find_key(value, key)
    if found is not None:
        return value[found]
    if safe:
        return None
    raise ExpressionError(
        f"The expression '{source}' cannot be evaluated because property '{key}' doesn't exist, "
        f"available properties are '{', '.join(value)}'."
    )


def _cannot_select(source: str, key: Any, reason: str = "") -> ExpressionError:
    return ExpressionError(
        f"The expression '{source}' cannot be evaluated because property '{key}' cannot be selected."
        f"{' ' if reason else ''}{reason}"
    )

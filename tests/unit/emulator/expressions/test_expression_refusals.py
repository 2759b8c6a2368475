"""Errors of functions, and their texts."""

from collections.abc import Callable
from typing import Any

import pytest

from adf_trigger.emulator.expressions import TABLE, ExpressionError, Scope, evaluate_text


@pytest.mark.parametrize("function", TABLE, ids=lambda function: function.name)
def test_too_few_and_too_many_arguments_are_rejected(function: Any) -> None:
    """The table's limits hold for every function, before any argument is evaluated."""
    counts = [function.minimum - 1] if function.minimum else []
    counts += [function.maximum + 1] if function.maximum is not None else []
    for count in counts:
        arguments = ",".join(["activity('none')"] * count)
        with pytest.raises(ExpressionError, match=rf"was invoked with '{count}' parameter\(s\)"):
            evaluate_text(f"@if(true,1,{function.name}({arguments}))", Scope())


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("startsWith(1, 'a')", "The function 'startsWith' expects its first parameter to be a string."),
        ("endsWith('a', null)", "The function 'endsWith' expects its second parameter to be a string."),
        ("guid('Z')", "The function 'guid' was invoked with a format that is not valid."),
        ("substring('abc', 3)", "The function 'substring' parameters are out of range: 'start index'"),
        ("substring('abc', 0, -1)", "The function 'substring' parameters are out of range"),
        (
            "substring('abc', 0, null)",
            "The function 'substring' expects its third parameter to be an integer.",
        ),
        ("trim(1)", "The function 'trim' expects its parameter to be a string."),
        ("split(null, ',')", "The function 'split' expects its first parameter to be a string."),
        ("join('a', ',')", "The function 'join' expects its first parameter to be an array."),
        ("join(createArray(1), 1)", "The function 'join' expects its second parameter to be a string."),
        (
            "contains(1, 1)",
            "The function 'contains' expects its first parameter to be a dictionary (object),",
        ),
        ("contains('a1', 1)", "The function 'contains' expects its second parameter to be a string."),
        ("empty(0)", "The function 'empty' expects its parameter to be an object, an array or a string."),
        ("first(json('{}'))", "The function 'first' expects its parameter to be an array or a string."),
        ("length(json('{}'))", "The function 'length' expects its parameter to be an array or a string. "),
        (
            "skip(json('{}'), 1)",
            "The function 'skip' expects its first parameter to be an array or a string.",
        ),
        ("take('a', -1)", "The function 'take' parameters are out of range: 'count' must be a positive"),
        (
            "union(createArray(1), json('{}'))",
            "Template language function 'union' expects parameters of same",
        ),
        (
            "intersection('a', 'b')",
            "The function 'intersection' expects either a comma separated list of arrays",
        ),
        ("not('true')", "The function 'not' expects its parameter to be a boolean."),
        ("if(1, 2, 3)", "The function 'if' expects its first parameter to be a boolean."),
        ("or(false, 'true')", "The function 'or' expects all of its parameters to be booleans."),
        ("greater(1, '1')", "The function 'greater' expects two parameter of matching types."),
        ("less(true, false)", "The function 'less' expects two parameter of matching types."),
        (
            "add('1', 1)",
            "The function 'add' expects its first parameter to be an integer, a float or a decimal",
        ),
        ("sub(1, true)", "The function 'sub' expects its second parameter to be an integer, a float or a"),
        (
            "sub(-9223372036854775808, 1)",
            "The function 'sub' was invoked with parameters whose result does not",
        ),
        (
            "div(-9223372036854775808, -1)",
            "The function 'div' was invoked with parameters whose result does not",
        ),
        (
            "mul(1e308, 10)",
            "The function 'mul' was invoked with parameters whose result is not a finite number.",
        ),
        ("mod(1, 0)", "Attempt to divide an integral or decimal value by zero in function 'mod'."),
        ("div(1.5, 0.0)", "Attempt to divide an integral or decimal value by zero in function 'div'."),
        (
            "max('a')",
            "The function 'max' expects its parameter to be an integer, a float or a decimal number.",
        ),
        ("min(json('[]'))", "The function 'min' expects either an array of numbers"),
        ("rand(2, 1)", "The function 'rand' parameters are out of range"),
        ("rand(0, 3000000000)", "The function 'rand' parameters are out of range"),
        ("range(0, -1)", "The function 'range' parameters are out of range"),
        ("range(0, 100001)", "The function 'range' parameters are out of range"),
        ("range(2147483647, 2)", "The function 'range' parameters are out of range"),
        ("base64(1)", "The function 'base64' expects its parameter to be a string."),
        (
            "base64ToBinary('a')",
            "The function 'base64ToBinary' was invoked with a parameter that is not valid.",
        ),
        ("binary(null)", "The function 'binary' was invoked with a parameter that is not valid."),
        ("bool(null)", "The function 'bool' was invoked with a parameter that is not valid."),
        ("float('abc')", "The function 'float' was invoked with a parameter that is not valid."),
        ("float('1e999')", "The function 'float' was invoked with a parameter that is not valid."),
        ("float('.')", "The function 'float' was invoked with a parameter that is not valid."),
        ("int('9223372036854775808')", "The function 'int' was invoked with a parameter that is not valid. "),
        ("int(null)", "The function 'int' was invoked with a parameter that is not valid."),
        ("json('{')", "The function 'json' parameter is not valid. The provided value '{' cannot be parsed"),
        ("json('[NaN]')", "The function 'json' parameter is not valid."),
        ("json('1e400')", "The function 'json' parameter is not valid."),
        (
            "json(null)",
            "The function 'json' expects its parameter to be a string or an XML. The provided value is of",
        ),
        (
            "dataUriToString('hello')",
            "The function 'dataUriToString' expects its parameter to be formatted as a",
        ),
        (
            "uriComponentToString(1)",
            "The function 'uriComponentToString' expects its parameter to be a string.",
        ),
    ],
)
def test_an_error_names_the_function_as_it_was_called(
    expression: str, message: str, value_of: Callable[[str], Any]
) -> None:
    """Each function describes its arguments, in the engine's text where it is known."""
    with pytest.raises(ExpressionError) as caught:
        value_of(expression)

    assert caught.value.message.startswith(message)


def test_the_name_in_an_error_is_the_caller_s(value_of: Callable[[str], Any]) -> None:
    """Aliases and other cases are not replaced by the table's name."""
    with pytest.raises(ExpressionError, match=r"^The function 'DECODEBASE64' expects its parameter"):
        value_of("DECODEBASE64(1)")


def test_json_nested_too_deeply_is_rejected() -> None:
    """Python's recursion limit does not apply to data either."""
    scope = Scope(parameters={"deep": "[" * 100_000})

    with pytest.raises(ExpressionError, match="nested too deeply"):
        evaluate_text("@json(pipeline().parameters.deep)", scope)


def test_half_of_a_surrogate_pair_never_breaks_an_encoding() -> None:
    """JSON can hold one; it is written as the replacement character."""
    scope = Scope(parameters={"half": "\ud83d"})

    assert evaluate_text("@base64(pipeline().parameters.half)", scope) == "77+9"
    assert evaluate_text("@uriComponent(pipeline().parameters.half)", scope) == "%EF%BF%BD"

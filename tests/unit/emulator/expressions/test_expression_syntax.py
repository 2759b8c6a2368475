"""Expressions in strings and objects, and texts that are none."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate, evaluate_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parameters[1]", "parameters[1]"),
        ("", ""),
        ("@@", "@"),
        (" @", " @"),
        (" @concat('a')", " @concat('a')"),
        ("@@{1}", "@{1}"),
        ("@@concat('a')", "@concat('a')"),
        ("Answer is: @@{pipeline().parameters.count}", "Answer is: @{pipeline().parameters.count}"),
        ("@@{a} is @{pipeline().parameters.count}", "@{a} is 41"),
        ("a@@@{1}", "a@@{1}"),
        ("}{@ @@ @", "}{@ @@ @"),
    ],
)
def test_a_text_without_an_expression_stays(text: str, expected: str, scope: Scope) -> None:
    """Escapes lose one at sign, everything else is kept unchanged."""
    assert evaluate_text(text, scope) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer is: @{pipeline().parameters.count}", "Answer is: 41"),
        ("@{pipeline().parameters.count}", "41"),
        ("@{concat('}','{')}", "}{"),
        ("@{concat('it''s }', ' ok')}!", "it's } ok!"),
        ("@{ concat( 'a'\n,\t'b' ) }", "ab"),
        ("@{true} @{null}@{1.50}", "True 1.5"),
        ("@{createArray(1,'a')}", '[1,"a"]'),
        ("{\"type\": \"@{if(equals(1, 2), 'Blob', 'Table' )}\"}", '{"type": "Table"}'),
    ],
)
def test_interpolation_gives_a_string(text: str, expected: str, scope: Scope) -> None:
    """Each segment is replaced by its value's text, and quoted braces do not end it."""
    assert evaluate_text(text, scope) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "Unable to parse expression '': expected token 'Identifier' and actual 'EndOfData'."),
        (
            "odata.type",
            "Unable to parse expression 'odata.type': expected token 'LeftParenthesis' and actual 'Dot'.",
        ),
        (
            "type",
            "Unable to parse expression 'type': expected token 'LeftParenthesis' and actual 'EndOfData'.",
        ),
        (
            "concat('a'",
            "Unable to parse expression 'concat('a'': expected token 'RightParenthesis' and actual 'EndOfData'.",
        ),
        (
            "concat('a' b)",
            "Unable to parse expression 'concat('a' b)': expected token 'RightParenthesis' and actual 'Identifier'.",
        ),
        (
            "item())",
            "Unable to parse expression 'item())': expected token 'EndOfData' and actual 'RightParenthesis'.",
        ),
        (
            'concat("a")',
            "The expression 'concat(\"a\")' is not valid: the string character '\"' at position '7' is not expected.",
        ),
        (
            "concat('a",
            "The expression 'concat('a' is not valid: the string character ''' at position '7' is not expected.",
        ),
        ("nope(1)", "The template function 'nope' is not defined or not valid."),
        (
            "add(1)",
            "The function 'add' expects 2 parameters. The function was invoked with '1' parameter(s).",
        ),
        (
            "createArray()",
            "The function 'createArray' expects at least 1 parameter. The function was invoked with '0' parameter(s).",
        ),
        ("9223372036854775808", "The number '9223372036854775808' in an expression is out of range."),
        ("1e999", "The number '1e999' in an expression is out of range."),
    ],
)
def test_a_fault_has_the_engines_message(
    expression: str, message: str, value_of: Callable[[str], Any]
) -> None:
    """Code and text are those of the service."""
    with pytest.raises(ExpressionError) as caught:
        value_of(expression)

    assert caught.value.message == str(caught.value) == message
    assert caught.value.code == "InvalidTemplate"


def test_an_unterminated_segment_is_rejected(scope: Scope) -> None:
    """The error says where the segment starts."""
    with pytest.raises(ExpressionError, match=r"starting at position '2' is not terminated"):
        evaluate_text("a @{concat('}')", scope)


@pytest.mark.parametrize(
    "expression", ["'abc'[0]", "1.x", "true.x", "not(@true)", "-item()", "concat('a',)", "a[1]"]
)
def test_only_results_of_functions_have_accessors(expression: str, value_of: Callable[[str], Any]) -> None:
    """Literals have no accessors, and there are no operators."""
    with pytest.raises(ExpressionError):
        value_of(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("-1", -1),
        ("+1", 1),
        ("007", 7),
        ("1.50", 1.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("True", True),
        ("FALSE", False),
        ("Null", None),
        ("'it''s'", "it's"),
        ("''", ""),
        ("CONCAT('a','b')", "ab"),
        ("concat('a\nb')", "a\nb"),
    ],
)
def test_literals_and_names_in_any_case(
    expression: str, expected: object, value_of: Callable[[str], Any]
) -> None:
    """Numbers keep their kind, keywords and function names are read without regard to case."""
    value = value_of(expression)

    assert value == expected
    assert type(value) is type(expected)


def test_the_length_of_an_expression_is_limited_and_the_limit_can_be_removed() -> None:
    """The limit is 8192 characters without the at sign; a scope may have another."""
    text = f"@concat('{'x' * 8182}')"
    assert len(evaluate_text(text, Scope())) == 8182

    longer = f"@concat('{'x' * 8183}')"
    with pytest.raises(ExpressionError, match=r"Limit: '8192' and actual: '8193'"):
        evaluate_text(longer, Scope())
    assert len(evaluate_text(longer, Scope(max_expression_length=None))) == 8183


def test_the_limit_applies_to_an_expression_not_to_the_text_around_it() -> None:
    """A short expression in a long text is accepted."""
    assert evaluate_text(f"{'x' * 9000}@{{1}}", Scope()).endswith("x1")


def test_an_expression_nested_too_deeply_is_rejected() -> None:
    """Python's own recursion limit never shows."""
    with pytest.raises(ExpressionError, match="nested too deeply"):
        evaluate_text(f"@{'not(' * 1500}true{')' * 1500}", Scope())


def test_a_definition_is_evaluated_at_any_depth(scope: Scope) -> None:
    """Strings in objects and arrays are evaluated; other values and property names are unchanged."""
    definition = {
        "@name": ["@pipeline().parameters.count", "x-@{item().name}", 1.5, None, True],
        "value": {"type": "Expression", "value": "@variables('arr')"},
        "escaped": "@@x",
    }

    assert evaluate(definition, scope) == {
        "@name": [41, "x-row1", 1.5, None, True],
        "value": ["x", "y"],
        "escaped": "@x",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "Expression", "value": "@add(1,2)"}, 3),
        ({"value": "@add(1,2)", "type": "expression"}, 3),
        ({"type": "Expression", "value": "no expression"}, "no expression"),
        ({"type": "Expression", "value": {"a": "@add(1,2)"}}, {"a": 3}),
        ({"type": "SecureString", "value": "@add(1,2)"}, {"type": "SecureString", "value": 3}),
        (
            {"type": "Expression", "value": "@add(1,2)", "more": 1},
            {"type": "Expression", "value": 3, "more": 1},
        ),
    ],
)
def test_an_expression_object_is_replaced_whole(value: object, expected: object, scope: Scope) -> None:
    """Only an object of exactly `type` and `value` is an expression object."""
    assert evaluate(value, scope) == expected


def test_the_result_of_an_expression_is_not_evaluated_again() -> None:
    """A parameter whose value looks like an expression is data."""
    scope = Scope(parameters={"p": "@add(1,2)", "o": {"a": "@{1}"}})

    assert evaluate({"a": "@pipeline().parameters.p", "b": "@pipeline().parameters.o"}, scope) == {
        "a": "@add(1,2)",
        "b": {"a": "@{1}"},
    }


@given(st.text().filter(lambda text: "@" not in text))
def test_text_without_an_at_sign_is_itself(text: str) -> None:
    """Interpolation of any text without expressions is the identity."""
    assert evaluate_text(text, Scope()) == text
    assert evaluate_text(f"@{{''}}{text}", Scope()) == text


@given(st.text(alphabet="@{}'() ,.?[]ab1-\"\n") | st.text())
def test_no_text_whatsoever_raises_anything_else(text: str) -> None:
    """Whatever text follows an at sign, the only exception is ExpressionError."""
    for written in (text, f"@{text}", f"@{{{text}}}", f"@concat({text})"):
        with suppress(ExpressionError):
            evaluate_text(written, Scope())


@given(st.text())
def test_any_text_can_be_written_as_a_literal(text: str) -> None:
    """Doubling the quotes is all that a string literal needs."""
    quoted = text.replace("'", "''")

    assert evaluate_text(f"@string('{quoted}')", Scope(max_expression_length=None)) == text

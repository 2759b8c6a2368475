"""Laws that hold for all values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.expressions import TABLE, ExpressionError, Scope, evaluate_text, to_json

INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = INT64 | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def value_of(expression: str, **parameters: Any) -> Any:
    """The value of an expression whose `$name` stands for a parameter."""
    return evaluate_text(
        f"@{expression.replace('$', 'pipeline().parameters.')}", Scope(parameters=parameters)
    )


@given(JSON)
def test_a_value_survives_json(value: Any) -> None:
    """json(string(x)) is x for arrays and objects with any contents."""
    assert value_of("equals(json(string($x)), $x)", x=[value]) is True


@given(JSON)
def test_the_engine_s_json_is_json(value: Any) -> None:
    """Any parser reads the compact form back."""
    assert json.loads(to_json(value)) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encodings_are_undone_by_their_decodings(text: str) -> None:
    """Base64, data URIs and URI components lose nothing."""
    for expression in (
        "base64ToString(base64($x))",
        "dataUriToString(dataUri($x))",
        "uriComponentToString(uriComponent($x))",
        "string(binary($x))",
        "string(base64ToBinary(base64($x)))",
        "string(uriComponentToBinary(uriComponent($x)))",
        "string(dataUriToBinary(dataUri($x)))",
    ):
        assert value_of(expression, x=text) == text


@given(INT64, INT64)
def test_subtracting_undoes_adding_or_both_overflow(left: int, right: int) -> None:
    """Sums out of range are rejected, the others are exact."""
    if not -(2**63) <= left + right < 2**63:
        with pytest.raises(ExpressionError, match="does not fit a 64-bit integer"):
            value_of("add($a, $b)", a=left, b=right)
    else:
        assert value_of("sub(add($a, $b), $b)", a=left, b=right) == left


@given(INT64, INT64.filter(bool))
def test_quotient_and_remainder_make_up_the_dividend(dividend: int, divisor: int) -> None:
    """a = div(a,b) * b + mod(a,b), the remainder smaller than the divisor and of the dividend's sign."""
    if (dividend, divisor) == (-(2**63), -1):
        return
    quotient = value_of("div($a, $b)", a=dividend, b=divisor)
    remainder = value_of("mod($a, $b)", a=dividend, b=divisor)

    assert quotient * divisor + remainder == dividend
    assert abs(remainder) < abs(divisor)
    assert remainder == 0 or (remainder < 0) == (dividend < 0)


@given(NUMBERS, NUMBERS)
def test_numbers_have_a_total_order(left: float, right: float) -> None:
    """Exactly one of less, equals and greater holds."""
    outcomes = [value_of(f"{name}($a, $b)", a=left, b=right) for name in ("less", "equals", "greater")]

    assert sorted(outcomes) == [False, False, True]
    assert value_of("max($a, $b)", a=left, b=right) == max(left, right)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_float_is_exact(number: float) -> None:
    """No significant digit is lost."""
    assert value_of("float(string($x))", x=number) == number


@given(st.lists(SCALARS, max_size=6), st.integers(0, 8))
def test_take_and_skip_part_an_array(items: list[Any], count: int) -> None:
    """The taken and the skipped items make up the whole."""
    assert value_of("take($x, $n)", x=items, n=count) + value_of("skip($x, $n)", x=items, n=count) == items


@given(st.text(), st.text(min_size=1))
def test_joining_undoes_splitting(text: str, delimiter: str) -> None:
    """A string split at a delimiter is joined by it."""
    assert value_of("join(split($x, $d), $d)", x=text, d=delimiter) == text


@given(st.text(), st.text(max_size=3))
def test_a_string_starts_where_it_is_found(text: str, part: str) -> None:
    """indexOf, startsWith and substring agree on where a part is."""
    index = value_of("indexOf($x, $p)", x=text, p=part)
    if index >= 0 and value_of("length($x)", x=text) > index:
        assert value_of("startsWith(substring($x, $i), $p)", x=text, p=part, i=index) is True
    else:
        assert index == -1 or part == ""


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
def test_union_and_intersection_are_those_of_sets(left: list[Any], right: list[Any]) -> None:
    """Every item of the union is in one array, every item of the intersection in both."""
    union = value_of("union($a, $b)", a=left, b=right)
    common = value_of("intersection($a, $b)", a=left, b=right)

    assert all(value_of("contains($u, $x)", u=union, x=item) for item in left + right)
    assert all(
        value_of("and(contains($a, $x), contains($b, $x))", a=left, b=right, x=item) for item in common
    )
    assert value_of("equals(union($u, $u), $u)", u=union) is True


@given(st.sampled_from(TABLE), st.lists(JSON, max_size=4))
def test_no_function_raises_anything_else(function: Any, arguments: list[Any]) -> None:
    """Whatever the arguments, the outcome is a JSON value or an ExpressionError."""
    names = [f"a{index}" for index in range(len(arguments))]
    call = f"{function.name}({','.join(f'${name}' for name in names)})"
    try:
        value = value_of(call, **dict(zip(names, arguments, strict=True)))
    except ExpressionError:
        return
    json.dumps(value, allow_nan=False)

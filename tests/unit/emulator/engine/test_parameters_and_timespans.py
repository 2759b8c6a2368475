"""Parameters bound to their types, timespans read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.contract.timespans import seconds_of
from adf_trigger.emulator.engine.parameters import ParameterError, bind, secure_names


def same(value: Any) -> Any:
    """Evaluates nothing."""
    return value


@pytest.mark.parametrize(
    ("type_name", "given_value", "bound"),
    [
        ("String", 5, 5),
        ("String", {"a": 1}, {"a": 1}),
        ("SecureString", "s", "s"),
        ("Int", 5, 5),
        ("int", "5", 5),
        ("Float", 5, 5),
        ("float", "2.5", 2.5),
        ("Bool", True, True),
        ("bool", "True", True),
        ("Array", [1], [1]),
        ("array", '["a"]', ["a"]),
        ("Object", {"a": 1}, {"a": 1}),
        ("object", '{"a": 1}', {"a": 1}),
        ("Array", None, None),
    ],
)
def test_a_value_is_bound_to_its_type(type_name: str, given_value: Any, bound: Any) -> None:
    """It is used unchanged, or parsed from its text; a String accepts anything, as reports of users show."""
    result = bind({"p": {"type": type_name}}, {"P": given_value}, same)

    assert result == {"p": bound}
    assert type(result["p"]) is type(bound)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("Int", "x"),
        ("Int", 2.5),
        ("Int", True),
        ("Float", True),
        ("Float", "[]"),
        ("Bool", 1),
        ("Bool", "yes"),
        ("Array", "a,b"),
        ("Array", {"a": 1}),
        ("Object", [1]),
        ("Object", "5"),
    ],
)
def test_a_value_that_does_not_fit_is_rejected(type_name: str, value: Any) -> None:
    """The error has the parameter's name and type."""
    with pytest.raises(ParameterError, match=f"'p' is not of type {type_name}"):
        bind({"p": {"type": type_name}}, {"p": value}, same)


def test_defaults_are_evaluated_and_given_values_are_not() -> None:
    """A value given by a caller is data, even if it looks like an expression."""
    declared = {"a": {"type": "String", "defaultValue": "@x"}, "b": {"type": "String"}, "c": {"type": "Int"}}

    assert bind(declared, {"b": "@x", "z": 1}, lambda value: f"evaluated {value}") == {
        "a": "evaluated @x",
        "b": "@x",
    }


def test_secure_parameters_are_recognised_by_their_type() -> None:
    """The case of the type does not matter."""
    declared = {"a": {"type": "SecureString"}, "b": {"type": "securestring"}, "c": {"type": "String"}}

    assert secure_names(declared) == {"a", "b"}
    assert secure_names(None) == frozenset()


@settings(deadline=None)
@given(
    days=st.integers(0, 90),
    hours=st.integers(0, 23),
    minutes=st.integers(0, 59),
    seconds=st.integers(0, 59),
)
def test_any_timespan_is_parsed(days: int, hours: int, minutes: int, seconds: int) -> None:
    """The form is d.hh:mm:ss, with or without days."""
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    assert seconds_of(f"{days}.{hours:02}:{minutes:02}:{seconds:02}") == total
    assert seconds_of(f"{hours:02}:{minutes:02}:{seconds:02}") == total - days * 86400


def test_fractions_of_seconds_are_parsed() -> None:
    """They are written as by .NET."""
    assert seconds_of("00:00:01.5000000") == 1.5


@pytest.mark.parametrize("text", ["", "7", "1:2", "24:00:00", "00:60:00", "00:00:60", "-1.00:00:00", "x"])
def test_an_invalid_timespan_is_rejected(text: str) -> None:
    """The ValueError repeats it."""
    with pytest.raises(ValueError, match=f"'{text}' is not a timespan"):
        seconds_of(text)

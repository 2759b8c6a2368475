"""The values of `-p`."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.client.command.parameters import parameters_of
from adf_trigger.errors import InvalidRequest

TYPES = {
    "text": "String",
    "n": "Int",
    "f": "float",
    "b": "Bool",
    "list": "Array",
    "thing": "Object",
    "secret": "SecureString",
}
FILES = {"some.json": '{"text": "a", "N": 1}', "value": "from a file\n", "five": "5\r\n", "-": "typed in\n"}


def read(file: str) -> str:
    """The files that exist."""
    if file not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[file]


def values(*given_: str, types: Any = TYPES, ask: Any = None) -> dict[str, Any]:
    """The values of some `-p`."""
    return parameters_of(given_, types, read=read, ask=ask)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("text=5", {"text": "5"}),
        ("text=", {"text": ""}),
        ("text=a=b", {"text": "a=b"}),
        ("TEXT=x", {"text": "x"}),
        ("n=5", {"n": 5}),
        ("n=-0005", {"n": -5}),
        ("f=0.5", {"f": 0.5}),
        ("f=1e3", {"f": 1000.0}),
        ("b=True", {"b": True}),
        ("b=false", {"b": False}),
        ('list=["a", 1]', {"list": ["a", 1]}),
        ('thing={"a": null}', {"thing": {"a": None}}),
        ("secret=p@ss", {"secret": "p@ss"}),
        ("other=5", {"other": "5"}),
        ("other:=5", {"other": 5}),
        ("n:=null", {"n": None}),
        ("text=@value", {"text": "from a file"}),
        ("text=@-", {"text": "typed in"}),
        ("n=@five", {"n": 5}),
        ("text=@@value", {"text": "@value"}),
        ("@some.json", {"text": "a", "n": 1}),
    ],
)
def test_a_value_has_its_declared_type(text: str, found: dict[str, Any]) -> None:
    """Each form and each type."""
    assert values(text) == found


def test_without_declarations_a_value_is_text() -> None:
    """JSON is still read as JSON."""
    assert values("n=5", "m:=5", types=None) == {"n": "5", "m": 5}


def test_a_name_alone_prompts_for_its_value() -> None:
    """The prompt has no echo and the declared name; without a terminal it is a fault."""
    assert values("SECRET", ask=lambda name: f"value of {name}") == {"secret": "value of secret"}
    with pytest.raises(InvalidRequest, match="no terminal to prompt on"):
        values("secret")


def test_later_options_take_precedence() -> None:
    """A file can hold the usual values."""
    assert values("@some.json", "n=7") == {"text": "a", "n": 7}
    assert values("n=7", "@some.json") == {"text": "a", "n": 1}


@pytest.mark.parametrize("again", ["text=b", "TEXT=b", "text:=1", "text=@value", "text=a"])
def test_a_duplicate_name_is_a_fault(again: str) -> None:
    """Neither value is dropped silently; the fault shows none."""
    with pytest.raises(InvalidRequest) as caught:
        values("text=a", again, "n=1")
    assert [(fault.pointer, fault.message) for fault in caught.value.faults] == [
        ("-p text", "is given more than once")
    ]
    with pytest.raises(InvalidRequest, match="more than once"):
        values("x=1", "X=2", types=None)


@pytest.mark.parametrize(
    "text",
    [
        "n=5.0",
        "n=five",
        "n=",
        f"n={'9' * 5000}",
        "f=x",
        "f=nan",
        "f=inf",
        "b=yes",
        "b=1",
        "list={}",
        "list=a,b",
        "thing=[]",
        "thing={",
        "x:=",
        "x:=NaN",
        f"x:={'[' * 100_000}",
        "@nowhere",
        "text=@nowhere",
        "@value",
        "=x",
        ":=x",
    ],
)
def test_an_invalid_value_is_a_fault(text: str) -> None:
    """There is one fault for each, which shows no value."""
    with pytest.raises(InvalidRequest) as caught:
        values(text, "n=hunter2x")
    assert len(caught.value.faults) == 2
    assert "hunter2x" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(sorted(TYPES)), st.text(max_size=20)), st.none() | st.just(TYPES))
def test_any_value_is_json_or_a_fault(entries: dict[str, str], types: Any) -> None:
    """No other error is raised, and the result fits into a body."""
    try:
        found = values(*(f"{name}={value}" for name, value in entries.items()), types=types)
    except InvalidRequest:
        return
    json.dumps(found, allow_nan=False)
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in found.values())

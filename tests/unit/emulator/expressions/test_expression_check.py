"""Static checks of a definition's expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.expressions import check


def test_references_are_collected_from_the_whole_definition() -> None:
    """Each kind is in a list of its own, in order of appearance, once, as written."""
    found = check(
        {
            "a": [
                "@pipeline().parameters.p1",
                "x @{pipeline().globalParameters.g1} @{PIPELINE().Parameters['p 2']}",
            ],
            "b": {"type": "Expression", "value": "@variables('v')"},
            "c": "@concat(activity('A').output.value[pipeline().parameters.p1], body('B'), actions('C').status)",
            "d": "@{dataset().d1}@{linkedService()?.l1}@{parameters('own')}",
            "e": "@equals(pipeline().RunId, item())",
            "f": ["@@pipeline().parameters.escaped", "pipeline().parameters.literal", "a@b"],
        }
    )

    assert found.problems == []
    assert found.references.parameters == ["p1", "p 2"]
    assert found.references.global_parameters == ["g1"]
    assert found.references.variables == ["v"]
    assert found.references.activities == ["A", "B", "C"]
    assert found.references.dataset_parameters == ["d1"]
    assert found.references.linked_service_parameters == ["l1"]
    assert found.references.own_parameters == ["own"]
    assert found.references.system == ["RunId"]
    assert found.references.calls("ITEM")
    assert not found.references.calls("triggerBody")


def test_a_reference_by_a_computed_name_is_no_reference() -> None:
    """Only constant names can be checked before a run."""
    found = check(
        "@concat(variables(concat('a','b')), activity(item()).output, pipeline().parameters[item()])"
    )

    assert found.problems == []
    assert found.references.variables == found.references.activities == found.references.parameters == []


ADD = "The function 'add' expects 2 parameters. The function was invoked with '1' parameter(s)."
LENGTH = "The function 'length' expects 1 parameter. The function was invoked with '0' parameter(s)."
UNCLOSED = "Unable to parse expression 'a(': expected token 'RightParenthesis' and actual 'EndOfData'."
UNTERMINATED = (
    "The expression 'x @{a(' is not valid: the string interpolation segment starting at position '2' "
    "is not terminated. Make sure that every '@{' is followed by its '}'."
)
TOO_LONG = "The expression length limit exceeded. Limit: '8192' and actual: '8202'."


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("@a(", [UNCLOSED]),
        ("x @{a(", [UNTERMINATED]),
        ("@nope(nope())", ["The template function 'nope' is not defined or not valid."]),
        ("@if(true, add(1), length())", [ADD, LENGTH]),
        (["@a(", {"b": "@add(1)"}], [UNCLOSED, ADD]),
        (f"@concat('{'x' * 8192}')", [TOO_LONG]),
        ("@int('abc')", []),
        ({"@nope": 1, "n": None, "t": (1, True)}, []),
    ],
)
def test_faults_are_all_found_with_the_engines_messages(value: object, problems: list[str]) -> None:
    """Syntax, unknown functions, numbers of arguments and length; values are not looked at."""
    assert check(value).problems == problems


def test_the_limit_of_length_can_be_removed() -> None:
    """It can be removed as in evaluation."""
    assert check(f"@concat('{'x' * 9000}')", max_length=None).problems == []


@given(st.recursive(st.text(alphabet="@{}'().ab") | st.none() | st.integers(), st.lists))
def test_checking_never_raises(value: object) -> None:
    """Whatever a definition holds, faults are reported, not raised."""
    check(value)

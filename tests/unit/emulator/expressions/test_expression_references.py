"""What expressions can see of a run, and how properties and elements are selected."""

from collections.abc import Callable
from typing import Any

import pytest

from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate_text

FAILED = {"output": {"rows": 3}, "error": {"message": "Oh no"}, "Status": "Failed", "ActivityRunId": "a-1"}


def test_pipeline_gives_system_variables_and_parameters() -> None:
    """The whole object can be read, and each property on its own, in any case."""
    scope = Scope(
        parameters={"In": 1},
        global_parameters={"env": "dev"},
        system={"RunId": "r-1", "TriggerTime": "2026-03-05T14:07:09Z"},
    )

    assert evaluate_text("@pipeline()", scope) == {
        "RunId": "r-1",
        "TriggerTime": "2026-03-05T14:07:09Z",
        "parameters": {"In": 1},
        "globalParameters": {"env": "dev"},
    }
    assert evaluate_text("@{pipeline().runid} @{pipeline().TRIGGERTIME}", scope) == "r-1 2026-03-05T14:07:09Z"
    assert evaluate_text("@Pipeline().Parameters.IN", scope) == 1
    assert evaluate_text("@pipeline().globalparameters.ENV", scope) == "dev"
    assert evaluate_text("@pipeline()?.TriggeredByPipelineName", scope) is None


def test_a_missing_system_variable_is_named_with_those_that_exist() -> None:
    """Without the question mark, a property that a run does not have is an error."""
    with pytest.raises(ExpressionError) as caught:
        evaluate_text("@pipeline().TriggeredByPipelineName", Scope(system={"RunId": "r"}))

    assert caught.value.message == (
        "The expression 'pipeline().TriggeredByPipelineName' cannot be evaluated because property "
        "'TriggeredByPipelineName' doesn't exist, available properties are 'RunId, parameters, globalParameters'."
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("activity('Copy').output.rows", 3),
        ("activity('COPY').Output.ROWS", 3),
        ("activity('Copy').Error.message", "Oh no"),
        ("activity('Copy').status", "Failed"),
        ("activity('Copy').ActivityRunId", "a-1"),
        ("activity(concat('Co','py')).output?.missing", None),
        ("actions('Copy').output.rows", 3),
        ("body('Copy').rows", 3),
        ("body('Bare')", None),
    ],
)
def test_an_activity_has_its_result(expression: str, expected: object) -> None:
    """Names of activities and of their properties are matched without regard to case."""
    scope = Scope(activities={"Copy": FAILED, "Bare": {}})

    assert evaluate_text(f"@{expression}", scope) == expected


def test_dataset_and_linked_service_parameters_are_seen_only_inside_one() -> None:
    """Elsewhere the service reports an undefined function."""
    assert evaluate_text("@dataset().Path", Scope(dataset={"path": "in"})) == "in"
    assert evaluate_text("@linkedService().url", Scope(linked_service={"url": "u"})) == "u"
    for function in ("dataset", "linkedService"):
        with pytest.raises(
            ExpressionError, match=rf"^The template function '{function}' is not defined or not valid\.$"
        ):
            evaluate_text(f"@{function}().x", Scope())


def test_older_parameters_are_those_of_the_expressions_place() -> None:
    """parameters('x') means the dataset's inside a dataset, else the pipeline's."""
    assert evaluate_text("@parameters('p')", Scope(parameters={"p": 1})) == 1
    assert evaluate_text("@parameters('P')", Scope(parameters={"p": 1}, dataset={"p": 2})) == 2
    with pytest.raises(ExpressionError, match=r"^The workflow parameter 'q' is not found$"):
        evaluate_text("@parameters('q')", Scope())


def test_item_may_be_null_but_must_exist() -> None:
    """Null is an item; outside of a loop there is none."""
    assert evaluate_text("@item()", Scope(item=None)) is None
    assert evaluate_text("@item()?.x", Scope(item=None)) is None
    with pytest.raises(ExpressionError, match="'item' is not expected at this location"):
        evaluate_text("@item()", Scope())


def test_a_trigger_passes_its_times_and_its_body() -> None:
    """Schedules, windows and storage events have the documented objects."""
    scope = Scope(
        trigger={"scheduledTime": "t", "outputs": {"windowStartTime": "w"}},
        trigger_body={"fileName": "a.csv", "folderPath": "in"},
    )

    assert evaluate_text("@trigger().scheduledTime", scope) == "t"
    assert evaluate_text("@trigger().outputs.windowStartTime", scope) == "w"
    assert evaluate_text("@triggerOutputs().windowStartTime", scope) == "w"
    assert evaluate_text("@{triggerBody().folderPath}/@{triggerBody().fileName}", scope) == "in/a.csv"
    for function in ("trigger", "triggerOutputs", "triggerBody"):
        with pytest.raises(ExpressionError, match="is not expected at this location"):
            evaluate_text(f"@{function}()", Scope())


def test_an_unknown_activity_or_variable_is_named() -> None:
    """The errors repeat the name."""
    with pytest.raises(ExpressionError, match="the template action 'A' is not defined at current scope"):
        evaluate_text("@activity('A').output", Scope())
    with pytest.raises(ExpressionError, match="the template variable 'v' cannot be found"):
        evaluate_text("@variables('v')", Scope())
    with pytest.raises(ExpressionError, match="expects its parameter to be a string"):
        evaluate_text("@variables(1)", Scope())


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("o.a", 1),
        ("o.A", 1),
        ("o['a']", 1),
        ("o[concat('a','')]", 1),
        ("o['with space']", 2),
        ("o['dotted.name']", 3),
        ("o.list[1]", "y"),
        ("o.list[add(0,1)]", "y"),
        ("o .list\n[ 0 ]", "x"),
        ("o?.missing", None),
        ("o?['missing']", None),
        ("o.nothing?.deeper", None),
        ("o.nothing?['deeper']?.still", None),
        ("o.list?[7]", None),
        ("o.exact", "lower"),
        ("o.EXACT", "upper"),
    ],
)
def test_selection(selection: str, expected: object) -> None:
    """Dots, brackets and question marks; an exact name wins over one that differs in case."""
    value = {
        "a": 1, "with space": 2, "dotted.name": 3, "list": ["x", "y"], "nothing": None,
        "exact": "lower", "EXACT": "upper",
    }  # fmt: skip

    assert evaluate_text(f"@pipeline().parameters.{selection}", Scope(parameters={"o": value})) == expected


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        ("o.b", "property 'b' doesn't exist, available properties are 'a, list, nothing'."),
        ("o.nothing.x", "property 'x' cannot be selected."),
        ("o?.b.x", "property 'x' cannot be selected."),
        (
            "o.a.x",
            "property 'x' cannot be selected. Property selection is not supported on values of type 'Integer'.",
        ),
        (
            "o.a?.x",
            "property 'x' cannot be selected. Property selection is not supported on values of type 'Integer'.",
        ),
        (
            "o.list.x",
            "property 'x' cannot be selected. Array elements can only be selected using an integer index.",
        ),
        (
            "o.list['0']",
            "property '0' cannot be selected. Array elements can only be selected using an integer index.",
        ),
        (
            "o.list[1.0]",
            "property '1.0' cannot be selected. Array elements can only be selected using an integer index.",
        ),
        ("o.list[2]", "array index '2' is outside bounds (0, 1) of array."),
        ("o.list[-1]", "array index '-1' is outside bounds (0, 1) of array."),
        ("o[0]", "property '0' cannot be selected. A property can only be selected using a string."),
    ],
)
def test_an_impossible_selection_is_explained(selection: str, reason: str) -> None:
    """The error quotes the expression and describes the actual value."""
    scope = Scope(parameters={"o": {"a": 1, "list": ["x", "y"], "nothing": None}})
    expression = f"pipeline().parameters.{selection}"

    with pytest.raises(ExpressionError) as caught:
        evaluate_text(f"x @{{{expression}}}", scope)

    assert caught.value.message == f"The expression '{expression}' cannot be evaluated because {reason}"


def test_the_error_quotes_the_whole_expression(value_of: Callable[[str], Any]) -> None:
    """As in reports of users, the quotation includes the function around the selection."""
    with pytest.raises(ExpressionError) as caught:
        value_of("length(activity('Lookup1').output.rows)")

    assert caught.value.message == (
        "The expression 'length(activity('Lookup1').output.rows)' cannot be evaluated because property 'rows' "
        "doesn't exist, available properties are 'firstRow, count, value'."
    )

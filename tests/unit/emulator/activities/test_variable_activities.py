"""SetVariable, AppendVariable, Filter, Fail and Wait."""

from typing import Any

import pytest

from tests.support.engine_factory import Factory, activity, append, expression, fail, set_variable, wait


def declared(**types: str) -> dict[str, Any]:
    """Variables by type."""
    return {"variables": {name: {"type": type_name} for name, type_name in types.items()}}


def test_a_variable_is_seen_by_later_activities(factory: Factory) -> None:
    """variables() returns the value that SetVariable set, and the activity shows name and value."""
    factory.define(
        "P",
        set_variable("A", "v", expression("@concat('x', 'y')")),
        set_variable("B", "w", "@concat(variables('V'), 'z')", after={"A": "Succeeded"}),
        **declared(v="String", w="String"),
    )

    rows = factory.rows(factory.run("P"))

    assert rows["A"].output == {"name": "v", "value": "xy"}
    assert rows["B"].output == {"name": "w", "value": "xyz"}


def test_a_variable_starts_with_its_default(factory: Factory) -> None:
    """defaultValue is the initial value; an array without one is empty."""
    variables = {
        "v": {"type": "String", "defaultValue": "d"},
        "a": {"type": "Array"},
        "s": {"type": "String"},
    }
    factory.define(
        "P",
        set_variable("A", "s", "@concat(variables('v'), string(length(variables('a'))))"),
        variables=variables,
    )

    assert factory.rows(factory.run("P"))["A"].output["value"] == "d0"


@pytest.mark.parametrize(
    ("type_name", "value", "shown", "given"),
    [
        ("String", "@add(1, 1)", "String", "Integer"),
        ("String", "@createArray('a')", "String", "Array"),
        ("Bool", "@string('x')", "Boolean", "String"),
        ("Boolean", "@json('null')", "Boolean", "Null"),
        ("Array", "@string('x')", "Array", "String"),
        ("Integer", "@true", "Integer", "Boolean"),
        ("Integer", "@json('1.5')", "Integer", "Float"),
        ("Array", "@json('{}')", "Array", "Object"),
    ],
)
def test_a_value_of_another_type_is_rejected(
    factory: Factory, type_name: str, value: str, shown: str, given: str
) -> None:
    """The message names the variable, its type and the type of the value."""
    factory.define("P", set_variable("A", "V", value), **declared(v=type_name))

    run = factory.run("P")

    assert run.message == (
        f"Operation on target A failed: The variable 'v' of type '{shown}' cannot be initialized or updated with "
        f"value of type '{given}'. The variable 'v' only supports values of types '{shown}'."
    )


@pytest.mark.parametrize(
    ("type_name", "value"), [("String", "s"), ("Bool", "@true"), ("Array", "@createArray(1)"), ("Integer", 5)]
)
def test_a_value_of_the_declared_type_is_accepted(factory: Factory, type_name: str, value: Any) -> None:
    """Each type of variable accepts its own kind of value."""
    factory.define("P", set_variable("A", "v", value), **declared(v=type_name))

    assert factory.run("P").status == "Succeeded"


def test_an_undeclared_variable_is_rejected(factory: Factory) -> None:
    """Set and append name the missing variable."""
    factory.define("P", set_variable("A", "ghost", "x"), append("B", "ghost", "x"))

    rows = factory.rows(factory.run("P"))

    assert {row.error["message"] for row in rows.values()} == {
        "The variable 'ghost' is not declared in the pipeline."
    }


def test_appending_adds_to_the_end_and_leaves_earlier_values_alone(factory: Factory) -> None:
    """A copy taken before an append does not change with it."""
    factory.define(
        "P",
        append("A", "list", "@createArray(1)"),
        set_variable("Before", "copy", "@variables('list')", after={"A": "Succeeded"}),
        append("B", "list", "b", after={"Before": "Succeeded"}),
        set_variable("After", "both", "@variables('list')", after={"B": "Succeeded"}),
        set_variable("Still", "both", "@activity('Before').output.value", after={"After": "Succeeded"}),
        **declared(list="Array", copy="Array", both="Array"),
    )

    rows = factory.rows(factory.run("P"))

    assert rows["After"].output["value"] == [[1], "b"]
    assert rows["Before"].output["value"] == rows["Still"].output["value"] == [[1]]


def test_only_arrays_can_be_appended_to(factory: Factory) -> None:
    """Appending to a string fails."""
    factory.define("P", append("A", "v", "x"), **declared(v="String"))

    assert "it is not an array" in str(factory.run("P").message)


def test_variables_belong_to_one_run(factory: Factory) -> None:
    """A second run starts with the default again."""
    factory.define("P", append("A", "list", "x"), **declared(list="Array"))

    factory.run("P")

    assert factory.run("P").status == "Succeeded"
    definition = factory.definitions.pipelines["p"]
    assert definition["variables"] == {"list": {"type": "Array"}}


def test_filter_keeps_items_that_satisfy_the_condition(factory: Factory) -> None:
    """The output counts and lists the items; item() is the current one."""
    factory.define(
        "P",
        activity(
            "F",
            "Filter",
            {
                "items": expression("@pipeline().parameters.all"),
                "condition": expression("@greater(item(), 3)"),
            },
        ),
        parameters={"all": {"type": "Array"}},
    )

    async def story() -> Any:
        return await factory.ended(factory.start("P", {"all": [1, 5, 3, 4]}))

    rows = factory.rows(factory.play(story()))

    assert rows["F"].output == {"ItemsCount": 4, "FilteredItemsCount": 2, "Value": [5, 4]}


def test_filter_rejects_an_invalid_array_or_condition(factory: Factory) -> None:
    """Items must be an array, the condition true or false."""
    factory.define(
        "P",
        activity("A", "Filter", {"items": "@json('{}')", "condition": "@true"}),
        activity("B", "Filter", {"items": [1], "condition": "@string('yes')"}),
    )

    rows = factory.rows(factory.run("P"))

    assert "The provided value is of type 'Object'" in rows["A"].error["message"]
    assert rows["B"].error["message"] == "A condition must be true or false, not 'yes'."


@pytest.mark.parametrize(
    ("properties", "message", "code"),
    [
        ({"message": "m", "errorCode": "c"}, "m", "c"),
        ({"message": expression("@concat('a', 'b')"), "errorCode": "@string(7)"}, "ab", "7"),
        (
            {"message": "@json('x", "errorCode": "@json('x"},
            "Failed to interpret F fail message or error code",
            "",
        ),
        (
            {"message": 5, "errorCode": "c"},
            "F fail message parameter couldn't be interpreted as a string",
            "c",
        ),
        (
            {"message": "@json('x", "errorCode": "c"},
            "F fail message parameter couldn't be interpreted as a string",
            "c",
        ),
        ({"message": "  ", "errorCode": "c"}, "Failed to interpret F fail message or error code", "c"),
        ({"message": None, "errorCode": "c"}, "Failed to interpret F fail message or error code", "c"),
        ({"message": "m", "errorCode": 5}, "m", ""),
        ({"message": "m", "errorCode": " "}, "m", ""),
        ({"errorCode": "c"}, "Fail message wasn't provided", "c"),
        ({"message": "m"}, "m", ""),
    ],
)
def test_fail_has_the_given_message_or_the_reason_why_not(
    factory: Factory, properties: dict[str, Any], message: str, code: str
) -> None:
    """Message and code are the definition's, or those of the article's table."""
    factory.define("P", activity("F", "Fail", properties))

    error = factory.rows(factory.run("P"))["F"].error

    assert (error["message"], error["errorCode"]) == (message, code or "ErrorCodeNotString")


@pytest.mark.parametrize("seconds", ["@string('x')", -1, "@true", "@json('1.5')", None])
def test_wait_accepts_whole_numbers_only(factory: Factory, seconds: Any) -> None:
    """Any other value fails the activity."""
    factory.define("P", wait("W", seconds))

    assert "must be a whole number" in str(factory.run("P").message)


def test_an_expression_that_cannot_be_evaluated_fails_the_activity(factory: Factory) -> None:
    """The error has the code of the expression engine, and the activity's name as target."""
    factory.define("P", wait("W", "@pipeline().parameters.nothing"))

    error = factory.rows(factory.run("P"))["W"].error

    assert (error["errorCode"], error["target"]) == ("InvalidTemplate", "W")
    assert "nothing" in error["message"]


def test_a_fail_activity_repeats_an_earlier_error(factory: Factory) -> None:
    """Error handlers do so."""
    factory.define(
        "P",
        fail("first", "the cause", "42"),
        fail(
            "again",
            "@concat('because: ', activity('first').error.message)",
            "@activity('first').Error.errorCode",
            after={"first": "Failed"},
        ),
    )

    assert factory.rows(factory.run("P"))["again"].error["message"] == "because: the cause"

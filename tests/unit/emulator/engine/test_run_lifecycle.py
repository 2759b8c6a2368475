"""A pipeline run from its submission to its end, and its log."""

import logging
from datetime import timedelta

import pytest

from adf_trigger.emulator.activities.catalogue import CONTROL, activity_types
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, fail, set_variable, wait


def test_a_run_passes_from_queued_through_in_progress_to_succeeded(factory: Factory) -> None:
    """The log sees Queued, InProgress and the end, with times from the engine's clock."""
    factory.define("P", wait("W", 90))

    run = factory.run("P")

    assert [status for name, status in factory.log.history if name == run.run_id] == [
        "Queued",
        "InProgress",
        "Succeeded",
    ]
    assert (run.run_start, run.run_end) == (EPOCH, EPOCH + timedelta(seconds=90))
    assert run.last_updated == run.run_end
    assert run.message == ""


def test_a_run_has_the_annotations_and_dimensions_of_its_pipeline(factory: Factory) -> None:
    """runDimensions may use the run's parameters and are strings."""
    factory.define(
        "P",
        wait("W", 0),
        annotations=["nightly"],
        runDimensions={"batch": "@pipeline().parameters.n", "by": "@{pipeline().TriggerType}"},
        parameters={"n": {"type": "int", "defaultValue": 7}},
    )

    run = factory.run("P")

    assert (run.annotations, run.run_dimension) == (["nightly"], {"batch": "7", "by": "Manual"})


def test_an_activity_run_has_all_fields_of_the_wire(factory: Factory) -> None:
    """Name, type, times, input, output and the empty error of a success are in the activity's row."""
    factory.define("P", wait("W", 5, userProperties=[{"name": "who", "value": "@pipeline().Pipeline"}]))

    row = factory.rows(factory.run("P"))["W"]

    assert (row.activity_type, row.status, row.pipeline_name) == ("Wait", "Succeeded", "P")
    assert (row.start, row.end) == (EPOCH, EPOCH + timedelta(seconds=5))
    assert row.input == {"waitTimeInSeconds": 5}
    assert row.error == {"errorCode": "", "message": "", "failureType": "", "target": "W", "details": ""}
    assert row.user_properties == {"who": "P"}
    assert (row.retry_attempt, row.iteration_hash, row.recovery_status) == (None, "", "None")


def test_independent_activities_run_side_by_side(factory: Factory) -> None:
    """Three waits of ten seconds without dependencies take ten seconds."""
    factory.define("P", wait("a", 10), wait("b", 10), wait("c", 10))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=10)


def test_the_longest_path_decides_how_long_a_run_takes(factory: Factory) -> None:
    """A diamond waits for its slower side."""
    after_a = {"a": "Succeeded"}
    factory.define(
        "P",
        wait("a", 1),
        wait("slow", 20, after=after_a),
        wait("fast", 2, after=after_a),
        wait("last", 1, after={"slow": "Succeeded", "fast": "Succeeded"}),
    )

    run = factory.run("P")

    assert run.run_end == EPOCH + timedelta(seconds=22)
    assert factory.rows(run)["last"].start == EPOCH + timedelta(seconds=21)


def test_a_failure_gives_the_run_its_message(factory: Factory) -> None:
    """The run's message names the target and repeats the activity's own message."""
    factory.define("P", fail("Stop here", "no more", "4711"))

    run = factory.run("P")

    assert (run.status, run.message) == ("Failed", "Operation on target Stop here failed: no more")
    assert factory.rows(run)["Stop here"].error == {
        "errorCode": "4711",
        "message": "no more",
        "failureType": "UserError",
        "target": "Stop here",
        "details": "",
    }


def test_every_relevant_failure_is_in_the_message(factory: Factory) -> None:
    """Two failed leaves give two sentences, in the order of the definition."""
    factory.define("P", wait("x"), fail("b", "second", after={"x": "Succeeded"}), fail("a", "first"))

    assert factory.run("P").message == (
        "Operation on target b failed: second\nOperation on target a failed: first"
    )


def test_a_handled_failure_leaves_the_run_successful(factory: Factory) -> None:
    """With only a failure path, the run succeeds, and the failed activity stays visible."""
    factory.define(
        "P",
        fail("do", "broken"),
        set_variable("catch", "v", "@activity('do').error.message", after={"do": "Failed"}),
        variables={"v": {"type": "String"}},
    )

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert factory.rows(run)["do"].status == "Failed"
    assert factory.rows(run)["catch"].output == {"name": "v", "value": "broken"}


def test_a_skipped_activity_has_no_activity_run(factory: Factory) -> None:
    """An activity that was not reached is not in the log."""
    factory.define("P", fail("a"), wait("b", after={"a": "Succeeded"}))

    run = factory.run("P")

    assert list(factory.rows(run)) == ["a"]
    assert run.message == "Operation on target a failed: no"


def test_an_activity_sees_the_status_of_earlier_ones(factory: Factory) -> None:
    """activity('x').Status is Succeeded or Failed, as the article on conditions uses it."""
    factory.define(
        "P",
        wait("good", 0),
        fail("bad"),
        set_variable(
            "look",
            "v",
            "@concat(activity('good').Status, activity('bad').Status)",
            after={"good": "Completed", "bad": "Completed"},
        ),
        variables={"v": {"type": "String"}},
    )

    run = factory.run("P")

    assert factory.rows(run)["look"].output["value"] == "SucceededFailed"


def test_a_success_has_no_error_to_refer_to(factory: Factory) -> None:
    """An expression that reads the error of a successful activity fails."""
    factory.define(
        "P",
        wait("good", 0),
        set_variable("look", "v", "@activity('good').error.message", after={"good": "Succeeded"}),
        variables={"v": {"type": "String"}},
    )

    run = factory.run("P")

    assert run.status == "Failed"
    assert factory.rows(run)["look"].error["errorCode"] == "InvalidTemplate"


def test_a_pipeline_without_activities_succeeds(factory: Factory) -> None:
    """There is nothing to do."""
    factory.define("P")

    assert factory.run("P").status == "Succeeded"


def test_an_unsupported_type_fails_the_run_before_it_begins(factory: Factory) -> None:
    """Even in a branch that might never run: the message names activity and type, nothing else has run."""
    unknown = activity("Crunch", "HDInsightHive")
    condition = {"expression": {"type": "Expression", "value": "@false"}, "ifTrueActivities": [unknown]}
    factory.define("P", wait("first"), activity("If", "IfCondition", condition, after={"first": "Succeeded"}))

    run = factory.run("P")

    assert run.status == "Failed"
    assert run.message is not None
    assert run.message.startswith("Operation on target Crunch failed: ")
    assert "'HDInsightHive' is not emulated" in run.message
    assert list(factory.rows(run)) == ["Crunch"]
    assert factory.rows(run)["Crunch"].error["errorCode"] == "ActivityTypeNotEmulated"


def test_a_type_is_found_in_any_case(factory: Factory) -> None:
    """The article on Filter writes the type in small letters."""
    factory.define("P", activity("F", "filter", {"items": [1, 5], "condition": "@greater(item(), 3)"}))

    assert factory.rows(factory.run("P"))["F"].output["Value"] == [5]


def test_an_invalid_definition_fails_the_run(factory: Factory) -> None:
    """A cycle that no check has found ends as a failed run that says so."""
    factory.define("P", wait("a", after={"b": "Succeeded"}), wait("b", after={"a": "Succeeded"}))

    run = factory.run("P")

    assert run.status == "Failed"
    assert "cycle" in str(run.message)


def test_a_bug_in_an_activity_type_fails_the_activity_not_the_emulator(
    factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    """The activity fails as a SystemError, the traceback is in the emulator's log, and the next run works."""

    async def broken(_context: ActivityContext) -> ActivityResult:
        raise KeyError("secret detail")

    factory.registry = activity_types(execution={"Broken": broken}, control=CONTROL)
    factory.define("P", activity("B", "Broken"))
    factory.define("Q", wait("W"))

    run = factory.run("P")

    error = factory.rows(run)["B"].error
    assert (error["failureType"], error["errorCode"]) == ("SystemError", "InternalServerError")
    assert "secret detail" not in error["message"]
    assert [it.action for it in caplog.records if it.levelno == logging.ERROR] == [  # type: ignore[attr-defined]
        "activity_crashed"
    ]
    assert factory.run("Q").status == "Succeeded"


def test_a_new_type_is_one_function_and_one_entry(factory: Factory) -> None:
    """An activity sees its definition, evaluates, waits, gets tokens, and shows output, input and extra fields."""

    async def probe(context: ActivityContext) -> ActivityResult:
        await context.sleep(1)
        seen = {
            "name": context.name,
            "type": context.definition["type"],
            "value": context.evaluate(context.type_properties["value"]),
            "token": await context.token("https://storage.azure.com/"),
            "location": context.location,
        }
        return ActivityResult(output=seen, input={"in": 1}, extra={"integrationRuntimeNames": ["x"]})

    factory.registry = activity_types(execution={"Probe": probe})
    factory.define("P", activity("A", "Probe", {"value": "@add(1, 2)"}))

    row = factory.rows(factory.run("P"))["A"]

    assert row.output == {
        "name": "A",
        "type": "Probe",
        "value": 3,
        "token": "token for https://storage.azure.com/",
        "location": "East US",
    }
    assert (row.input, row.extra) == ({"in": 1}, {"integrationRuntimeNames": ["x"]})


def test_the_details_of_a_failure_are_kept(factory: Factory) -> None:
    """Input, output, details and another status of a failure are in the row, and TimedOut counts as Failed."""

    async def late(_context: ActivityContext) -> ActivityResult:
        raise ActivityFailed(
            "late", error_code="1", details=["d"], output={"o": 1}, input={"i": 1}, status="TimedOut"
        )

    factory.registry = activity_types(execution={"Late": late})
    factory.define("P", activity("L", "Late"), wait("W", after={"L": "Failed"}))

    run = factory.run("P")
    row = factory.rows(run)["L"]

    assert run.status == "Succeeded"
    assert (row.status, row.output, row.input, row.error["details"]) == (
        "TimedOut",
        {"o": 1},
        {"i": 1},
        ["d"],
    )


def test_an_activity_that_never_waits_is_written_once(factory: Factory) -> None:
    """A run of a Wait and a SetVariable costs six writes, which keeps a thousand of them cheap."""
    factory.define(
        "P",
        wait("W", 1),
        set_variable("S", "v", "x", after={"W": "Succeeded"}),
        variables={"v": {"type": "String"}},
    )

    run = factory.run("P")

    assert [it for it in factory.log.history if it[0] != run.run_id] == [
        ("W", "InProgress"),
        ("W", "Succeeded"),
        ("S", "Succeeded"),
    ]
    assert factory.log.writes == 6


def test_a_thousand_concurrent_runs_all_succeed(factory: Factory) -> None:
    """A thousand runs that wait together end together, each with its own variable."""
    factory.define(
        "P",
        wait("W", 30),
        set_variable("S", "v", "@pipeline().RunId", after={"W": "Succeeded"}),
        variables={"v": {"type": "String"}},
    )

    async def story() -> list[str]:
        run_ids = [factory.start("P") for _ in range(1000)]
        for run_id in run_ids:
            await factory.ended(run_id)
        return run_ids

    run_ids = factory.play(story())

    assert {factory.log.runs[it].status for it in run_ids} == {"Succeeded"}
    assert {factory.log.runs[it].run_end for it in run_ids} == {EPOCH + timedelta(seconds=30)}
    values = {
        row.run_id: row.output["value"] for row in factory.log.rows.values() if row.activity_name == "S"
    }
    assert values == {it: it for it in run_ids}


def test_runs_of_other_factories_are_not_found(factory: Factory) -> None:
    """A cancel under another factory's id does nothing."""
    factory.define("P", wait("W", 5))

    async def story() -> str:
        run_id = factory.start("P")
        factory.engine.cancel(FACTORY_ID + "X", run_id, recursive=True)
        return (await factory.ended(run_id)).status

    assert factory.play(story()) == "Succeeded"


def test_status_changes_are_logged_with_a_stable_action(
    factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change of a run's status is one log record that carries the ids."""
    caplog.set_level(logging.INFO)
    factory.define("P", wait("W", 0))

    run = factory.run("P")

    changes = [it for it in caplog.records if getattr(it, "action", "") == "run_status"]
    assert [(it.run_id, it.status) for it in changes] == [  # type: ignore[attr-defined]
        (run.run_id, "InProgress"),
        (run.run_id, "Succeeded"),
    ]

"""ExecutePipeline, and what a child passes to its parent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.common.options import Options
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, fail, set_variable, wait


def execute(name: str, pipeline: str, *, after: Any = None, **properties: Any) -> dict[str, Any]:
    """An ExecutePipeline."""
    reference = {"referenceName": pipeline, "type": "PipelineReference"}
    return activity(name, "ExecutePipeline", {"pipeline": reference, **properties}, after=after)


def returns(name: str, **values: Any) -> dict[str, Any]:
    """A SetVariable of the pipeline's return value."""
    value = [{"key": key, "value": it} for key, it in values.items()]
    return activity(
        name,
        "SetVariable",
        {"variableName": "pipelineReturnValue", "setSystemVariable": True, "value": value},
    )


def child_of(factory: Factory, run: PipelineRun) -> PipelineRun:
    """The one run that a run has started."""
    (child,) = [it for it in factory.log.runs.values() if it.invoked_by.get("pipelineRunId") == run.run_id]
    return child


def test_a_parent_waits_for_its_child(factory: Factory) -> None:
    """With waitOnCompletion the activity ends when the child does, and its output has the child's run id."""
    factory.define("Child", wait("W", 30))
    factory.define("Parent", execute("E", "Child", waitOnCompletion=True))

    run = factory.run("Parent")

    child = child_of(factory, run)
    assert run.run_end == child.run_end == EPOCH + timedelta(seconds=30)
    assert factory.rows(run)["E"].output == {"pipelineRunId": child.run_id, "pipelineName": "Child"}


def test_a_child_knows_who_started_it(factory: Factory) -> None:
    """invokedBy and the system variables name the parent; the group is the child's own."""
    text = "@concat(pipeline().TriggerType, '/', pipeline()?.TriggeredByPipelineName)"
    factory.define("Child", set_variable("S", "v", text), variables={"v": {"type": "String"}})
    factory.define("Parent", execute("E", "Child", waitOnCompletion=True))

    run = factory.run("Parent")

    child = child_of(factory, run)
    invoked_by = {key: value for key, value in child.invoked_by.items() if key != "id"}
    assert invoked_by == {
        "name": "E",
        "invokedByType": "PipelineActivity",
        "pipelineName": "Parent",
        "pipelineRunId": run.run_id,
    }
    assert child.run_group_id == child.run_id
    assert factory.rows(child)["S"].output["value"] == "PipelineActivity/Parent"


@pytest.mark.parametrize(("written", "default", "waits"), [
    (None, False, False),
    (None, True, True),
    (False, True, False),
    ("true", False, True),
])  # fmt: skip
def test_waiting_is_as_defined_or_as_configured(
    factory: Factory, written: Any, *, default: bool, waits: bool
) -> None:
    """Without waitOnCompletion the engine's option decides, since the service's documents disagree."""
    factory.options = Options(wait_on_completion=default)
    properties = {} if written is None else {"waitOnCompletion": written}
    factory.define("Child", wait("W", 30))
    factory.define("Parent", execute("E", "Child", **properties))

    run = factory.run("Parent")

    assert run.run_end == EPOCH + timedelta(seconds=30 if waits else 0)
    factory.play(factory.ended(child_of(factory, run).run_id))


def test_a_child_gets_parameters_and_defaults(factory: Factory) -> None:
    """Expressions are evaluated in the parent, defaults in the child; types are kept."""
    factory.define(
        "Child",
        wait("W", "@add(pipeline().parameters.n, length(pipeline().parameters.list))"),
        parameters={
            "n": {"type": "int"},
            "list": {"type": "array"},
            "d": {"type": "string", "defaultValue": "@{pipeline().Pipeline}!"},
        },
    )
    parameters = {"n": "@mul(pipeline().parameters.half, 2)", "list": "@createArray(1, 2)"}
    factory.define(
        "Parent",
        execute("E", "Child", waitOnCompletion=True, parameters=parameters),
        parameters={"half": {"type": "int", "defaultValue": 4}},
    )

    run = factory.run("Parent")

    assert child_of(factory, run).parameters == {"n": 8, "list": [1, 2], "d": "Child!"}
    assert run.run_end == EPOCH + timedelta(seconds=10)


def test_a_failed_child_fails_its_parent(factory: Factory) -> None:
    """The child's message is the activity's, and the run id stays visible."""
    factory.define("Child", fail("F", "broken"))
    factory.define("Parent", execute("E", "Child", waitOnCompletion=True))

    run = factory.run("Parent")

    row = factory.rows(run)["E"]
    assert run.message == "Operation on target E failed: Operation on target F failed: broken"
    assert row.error["failureType"] == "UserError"
    assert row.output["pipelineRunId"] == child_of(factory, run).run_id


def test_a_failed_child_without_a_waiting_parent_fails_only_itself(factory: Factory) -> None:
    """The parent started it and has succeeded."""
    factory.define("Child", fail("F"))
    factory.define("Parent", execute("E", "Child", waitOnCompletion=False))

    run = factory.run("Parent")

    assert run.status == "Succeeded"
    assert factory.play(factory.ended(child_of(factory, run).run_id)).status == "Failed"


@pytest.mark.parametrize("secure", [False, True])
def test_a_parent_that_waits_shows_the_run_id_of_its_child(factory: Factory, *, secure: bool) -> None:
    """It is shown during the wait and after it, unless the policy hides it."""
    policy = {"secureInput": secure, "secureOutput": secure}
    factory.define("Quick", set_variable("S", "v", "x"), variables={"v": {"type": "String"}})
    factory.define("Child", execute("Inner", "Quick", waitOnCompletion=True), wait("W", 30))
    factory.define("Parent", {**execute("E", "Child", waitOnCompletion=True), "policy": policy})
    seen: list[Any] = []
    written = factory.log.save_activity

    def save(row: Any) -> None:
        if row.activity_name == "E" and row.status == "InProgress":
            seen.append((row.input, row.output))
        written(row)

    factory.log.save_activity = save  # type: ignore[assignment,method-assign]
    run = factory.run("Parent")
    child = child_of(factory, run)
    (shown_input, output) = seen[-1]
    assert output == ({} if secure else {"pipelineRunId": child.run_id, "pipelineName": "Child"})
    assert bool(shown_input) is not secure
    assert factory.rows(child)["Inner"].output["pipelineName"] == "Quick"


def test_a_cancelled_child_fails_the_activity_that_waits(factory: Factory) -> None:
    """The parent is not cancelled with it."""
    factory.define("Child", wait("W", 100))
    factory.define("Parent", execute("E", "Child", waitOnCompletion=True))

    async def story() -> PipelineRun:
        run_id = factory.start("Parent")
        await asyncio.sleep(1)
        factory.engine.cancel(FACTORY_ID, child_of(factory, factory.log.runs[run_id]).run_id, recursive=False)
        return await factory.ended(run_id)

    run = factory.play(story())

    assert run.status == "Failed"
    assert "was cancelled" in str(run.message)


@pytest.mark.parametrize(
    ("child", "parameters", "said"),
    [
        ("Ghost", {}, "The pipeline 'Ghost' does not exist in the factory."),
        ("Child", {"n": "many"}, "The value of parameter 'n' is not of type int."),
        ("Child", {"n": "@nothing()"}, "nothing"),
        ("Broken", {}, "nothing"),
    ],
)
def test_a_child_that_cannot_start_fails_the_activity(
    factory: Factory, child: str, parameters: dict[str, Any], said: str
) -> None:
    """No such pipeline, a parameter of the wrong type, an expression that cannot be evaluated."""
    factory.define("Child", wait("W"), parameters={"n": {"type": "int"}})
    factory.define("Broken", wait("W"), parameters={"n": {"type": "string", "defaultValue": "@nothing()"}})
    factory.define("Parent", execute("E", child, parameters=parameters))

    run = factory.run("Parent")

    assert run.status == "Failed"
    assert said in str(run.message)
    assert len(factory.log.runs) == 1


def test_return_values_reach_the_parent_with_their_types(factory: Factory) -> None:
    """Every type that Studio offers is kept, nested objects and arrays included."""
    factory.define(
        "Child",
        returns(
            "R",
            text={"type": "String", "content": "@literally"},
            number={"type": "Int", "content": 42},
            ratio={"type": "Float", "content": 2.5},
            sure={"type": "Boolean", "content": True},
            nothing={"type": "Null"},
            computed={"type": "Expression", "content": "@concat(pipeline().Pipeline, '!')"},
            inline={"type": "Expression", "content": "I am @{pipeline().Pipeline}"},
            words={"type": "Array", "content": [{"type": "String", "content": "a"}]},
            nested={"type": "Object", "content": [{"key": "k", "value": {"type": "String", "content": "v"}}]},
        ),
    )
    factory.define(
        "Parent",
        execute("E", "Child", waitOnCompletion=True),
        set_variable(
            "S", "v", "@activity('E').output.pipelineReturnValue.nested.k", after={"E": "Succeeded"}
        ),
        variables={"v": {"type": "String"}},
    )

    rows = factory.rows(factory.run("Parent"))
    child = factory.log.runs[rows["E"].output["pipelineRunId"]]

    assert (
        rows["E"].output["pipelineReturnValue"]
        == child.return_value
        == {
            "text": "@literally",
            "number": 42,
            "ratio": 2.5,
            "sure": True,
            "nothing": None,
            "computed": "Child!",
            "inline": "I am Child",
            "words": ["a"],
            "nested": {"k": "v"},
        }
    )
    assert rows["S"].output["value"] == "v"


def test_only_the_return_value_can_be_set_as_a_system_variable(factory: Factory) -> None:
    """Another name is rejected."""
    factory.define(
        "P", activity("S", "SetVariable", {"variableName": "x", "setSystemVariable": True, "value": []})
    )

    assert "'x' is not a system variable" in str(factory.run("P").message)


def test_a_child_queues_for_the_concurrency_of_its_own_pipeline(factory: Factory) -> None:
    """Of two parents of a child with concurrency one, the second child is queued, and its parent waits."""
    factory.define("Child", wait("W", 10), concurrency=1)
    factory.define("Parent", execute("E", "Child", waitOnCompletion=True))

    async def story() -> list[PipelineRun]:
        run_ids = [factory.start("Parent"), factory.start("Parent")]
        return [await factory.ended(run_id) for run_id in run_ids]

    runs = factory.play(story())

    assert [run.run_end for run in runs] == [EPOCH + timedelta(seconds=10), EPOCH + timedelta(seconds=20)]

"""Recovery runs: what is reused, and what runs again."""

from collections import Counter
from typing import Any

import pytest

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.models import PipelineRun, Recovery
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from tests.support.engine_factory import Factory, activity, append, expression, set_variable, wait

FROM_FAILURE: dict[str, Any] = {"start_from_failure": True}


class Probes:
    """A type Probe that counts its calls by name (and item), and fails while its name is in `broken`."""

    def __init__(self, factory: Factory, *broken: str) -> None:
        self.broken = set(broken)
        self.calls: Counter[str] = Counter()
        factory.registry = activity_types(execution={"Probe": self._run})

    async def _run(self, context: ActivityContext) -> ActivityResult:
        label = str(context.evaluate(context.type_properties.get("label", context.name)))
        self.calls[label] += 1
        if label in self.broken:
            raise ActivityFailed("broken", error_code="1")
        return ActivityResult(output={"by": f"{label} #{self.calls[label]}"})


def probe(name: str, **others: Any) -> dict[str, Any]:
    """A Probe."""
    return activity(name, "Probe", **others)


def rerun(factory: Factory, run: PipelineRun, **how: Any) -> PipelineRun:
    """A recovery run of a run."""
    recovery = Recovery(reference_run_id=run.run_id, is_recovery=True, **how)

    async def story() -> PipelineRun:
        return await factory.ended(factory.start(run.pipeline_name, recovery=recovery))

    return factory.play(story())


def test_from_a_failure_only_unsuccessful_activities_run_again(factory: Factory) -> None:
    """Successful activities are reused with their output, marked as recovered; the rest runs."""
    probes = Probes(factory, "B")
    factory.define(
        "P",
        probe("A"),
        probe("B", after={"A": "Succeeded"}),
        set_variable("S", "v", "@activity('A').output.by", after={"B": "Succeeded"}),
        variables={"v": {"type": "String"}},
    )
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, **FROM_FAILURE)

    rows = factory.rows(second)
    assert (first.status, second.status) == ("Failed", "Succeeded")
    assert probes.calls == {"A": 1, "B": 2}
    assert (rows["A"].recovery_status, rows["A"].status, rows["A"].run_id) == (
        "Recovered",
        "Succeeded",
        second.run_id,
    )
    assert rows["B"].recovery_status == "None"
    assert rows["S"].output["value"] == "A #1"
    assert rows["A"].activity_run_id != factory.rows(first)["A"].activity_run_id


def test_from_a_named_activity_it_and_its_successors_run_again(factory: Factory) -> None:
    """Activities before it and beside it are reused as they ended."""
    probes = Probes(factory)
    after_b = {"B": "Succeeded"}
    factory.define(
        "P",
        probe("A"),
        probe("B", after={"A": "Succeeded"}),
        probe("C", after=after_b),
        probe("D"),
        probe("E", after={"D": "Succeeded"}),
    )
    first = factory.run("P")

    second = rerun(factory, first, start_activity_name="b")

    assert second.status == "Succeeded"
    assert probes.calls == {"A": 1, "B": 2, "C": 2, "D": 1, "E": 1}


def test_a_named_activity_on_a_failure_path_runs_again(factory: Factory) -> None:
    """The failure that leads to it is reused as well."""
    probes = Probes(factory, "A", "B")
    factory.define("P", probe("A"), probe("B", after={"A": "Failed"}))
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, start_activity_name="B")

    assert second.status == "Succeeded"
    assert probes.calls == {"A": 1, "B": 2}
    assert factory.rows(second)["A"].status == "Failed"


def test_the_named_activity_precedes_the_failure(factory: Factory) -> None:
    """With both given, startActivityName decides, as documented."""
    probes = Probes(factory, "B")
    factory.define("P", probe("A"), probe("B", after={"A": "Succeeded"}))
    first = factory.run("P")

    rerun(factory, first, start_activity_name="A", start_from_failure=True)

    assert probes.calls == {"A": 2, "B": 2}


def test_an_unknown_name_fails_the_run(factory: Factory) -> None:
    """The message says so, before anything runs."""
    probes = Probes(factory)
    factory.define("P", probe("A"))
    first = factory.run("P")

    second = rerun(factory, first, start_activity_name="Ghost")

    assert (second.status, second.message) == ("Failed", "There is no activity 'Ghost' in the pipeline.")
    assert probes.calls == {"A": 1}


def test_a_recovery_without_a_starting_point_runs_everything_again(factory: Factory) -> None:
    """isRecovery alone only groups the runs."""
    probes = Probes(factory)
    factory.define("P", probe("A"))

    rerun(factory, factory.run("P"))

    assert probes.calls == {"A": 2}


def test_control_activities_run_again(factory: Factory) -> None:
    """Variables are set again for the activities that run."""
    probes = Probes(factory, "B")
    factory.define(
        "P",
        set_variable("S", "v", "x"),
        probe("B", after={"S": "Succeeded"}),
        append("L", "list", "@variables('v')", after={"B": "Succeeded"}),
        variables={"v": {"type": "String"}, "list": {"type": "Array"}},
    )
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, **FROM_FAILURE)

    rows = factory.rows(second)
    assert (rows["S"].recovery_status, rows["L"].input["value"]) == ("None", "x")


def test_a_loop_continues_where_its_iterations_failed(factory: Factory) -> None:
    """The loop runs again; successful iterations are reused, each its own."""
    probes = Probes(factory, "2")
    inner = activity("A", "Probe", {"label": "@item()"})
    collect = append("L", "list", "@activity('A').output.by", after={"A": "Succeeded"})
    factory.define(
        "P",
        activity(
            "Loop", "ForEach", {"items": [1, 2, 3], "activities": [inner, collect], "isSequential": True}
        ),
        set_variable("S", "list", "@variables('list')", after={"Loop": "Succeeded"}),
        variables={"list": {"type": "Array"}},
    )
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, **FROM_FAILURE)

    assert probes.calls == {"1": 1, "2": 2, "3": 1}
    assert factory.rows(second)["S"].output["value"] == ["1 #1", "2 #2", "3 #1"]


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("If", {"A": 1, "B": 2, "C": 2, "D": 2}),
        ("C", {"A": 1, "B": 1, "C": 2, "D": 2}),
        ("D", {"A": 1, "B": 1, "C": 1, "D": 2}),
    ],
)
def test_a_rerun_may_start_at_or_in_a_container(factory: Factory, name: str, calls: dict[str, int]) -> None:
    """A container runs again as a whole; from inside it, what follows inside and after it does."""
    probes = Probes(factory)
    inside = [probe("B"), probe("C", after={"B": "Succeeded"})]
    factory.define(
        "P",
        probe("A"),
        activity(
            "If",
            "IfCondition",
            {"expression": expression("@true"), "ifTrueActivities": inside},
            after={"A": "Succeeded"},
        ),
        probe("D", after={"If": "Succeeded"}),
    )

    rerun(factory, factory.run("P"), start_activity_name=name)

    assert probes.calls == calls


def test_a_secure_output_cannot_be_reused(factory: Factory) -> None:
    """It was not logged, so the activity runs again, and its dependents get an output."""
    probes = Probes(factory, "B")
    factory.define(
        "P",
        probe("A", policy={"secureOutput": True}),
        activity("B", "Probe", {"label": "B", "x": "@activity('A').output.by"}, after={"A": "Succeeded"}),
    )
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, **FROM_FAILURE)

    assert second.status == "Succeeded"
    assert probes.calls == {"A": 2, "B": 2}


def test_the_last_attempt_of_an_external_activity_counts(factory: Factory) -> None:
    """An activity that succeeded on its second attempt counts as succeeded."""
    probes = Probes(factory, "A", "B")

    async def second_time(context: ActivityContext) -> ActivityResult:
        probes.calls[context.name] += 1
        if probes.calls[context.name] < 2:
            raise ActivityFailed("not yet", error_code="1")
        return ActivityResult(output={"ok": True})

    factory.registry = activity_types(execution={"Second": second_time, "Probe": probes._run})
    factory.define(
        "P",
        activity("A", "Second", policy={"retry": 1, "retryIntervalInSeconds": 30}),
        probe("B", after={"A": "Succeeded"}),
    )
    first = factory.run("P")
    probes.broken.clear()

    rerun(factory, first, **FROM_FAILURE)

    assert probes.calls == {"A": 2, "B": 2}


def test_a_child_of_a_recovery_run_is_a_recovery_run(factory: Factory) -> None:
    """ExecutePipeline starts its child again; successful activities in it are reused."""
    probes = Probes(factory, "B")
    reference = {"referenceName": "Child", "type": "PipelineReference"}
    factory.define("Child", probe("A"), probe("B", after={"A": "Succeeded"}))
    factory.define("P", activity("E", "ExecutePipeline", {"pipeline": reference, "waitOnCompletion": True}))
    first = factory.run("P")
    probes.broken.clear()

    second = rerun(factory, first, **FROM_FAILURE)

    assert second.status == "Succeeded"
    assert probes.calls == {"A": 1, "B": 2}
    assert len([run for run in factory.log.runs.values() if run.pipeline_name == "Child"]) == 2


def test_a_child_after_the_named_activity_starts_from_scratch(factory: Factory) -> None:
    """From the ExecutePipeline on, its child runs completely."""
    probes = Probes(factory)
    reference = {"referenceName": "Child", "type": "PipelineReference"}
    factory.define("Child", probe("A"))
    factory.define("P", activity("E", "ExecutePipeline", {"pipeline": reference, "waitOnCompletion": True}))

    rerun(factory, factory.run("P"), start_activity_name="E")

    assert probes.calls == {"A": 2}


def test_a_recovery_run_can_be_recovered(factory: Factory) -> None:
    """Reused outputs are reused again."""
    probes = Probes(factory, "B")
    factory.define("P", probe("A"), probe("B", after={"A": "Succeeded"}), wait("W", after={"B": "Succeeded"}))
    second = rerun(factory, factory.run("P"), **FROM_FAILURE)
    probes.broken.clear()

    third = rerun(factory, second, **FROM_FAILURE)

    assert third.status == "Succeeded"
    assert probes.calls == {"A": 1, "B": 3}

"""The rules of dependsOn, against documented patterns and a slow reference."""

import random
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from adf_trigger.emulator.engine.graph import FAILED, SKIPPED, SUCCEEDED, Graph, GraphError
from tests.support.engine_factory import EPOCH, Factory, activity

CONDITIONS = ["Succeeded", "Failed", "Skipped", "Completed"]


def run_graph(
    graph: Graph, own: dict[str, str], order: random.Random | None = None
) -> tuple[dict[str, str], list[str]]:
    """Run a graph: each activity ends as in `own`, in random order; returns outcomes and the started ones."""
    outcomes: dict[str, str] = {}
    running = list(graph.roots)
    started = [node.key for node in running]
    while running:
        node = running.pop(order.randrange(len(running)) if order else 0)
        outcomes[node.key] = own[node.key]
        ready = graph.settle(node, outcomes)
        running += ready
        started += [it.key for it in ready]
    return outcomes, started


def reference_outcome(definitions: dict[str, dict[str, Any]], own: dict[str, str], name: str) -> str:
    """The outcome of an activity, by recursion over the definitions alone."""
    for entry in definitions[name]["dependsOn"]:
        parent = reference_outcome(definitions, own, entry["activity"])
        met = False
        for condition in entry["dependencyConditions"]:
            met = met or condition == parent or (condition == "Completed" and parent in {SUCCEEDED, FAILED})
        if not met:
            return SKIPPED
    return own[name]


def reference_success(definitions: dict[str, dict[str, Any]], own: dict[str, str]) -> bool:
    """Whether the whole succeeds: every leaf, or in place of a skipped one each of its parents, did."""

    def good(name: str) -> bool:
        outcome = reference_outcome(definitions, own, name)
        if outcome == SKIPPED:
            return all(good(entry["activity"]) for entry in definitions[name]["dependsOn"])
        return outcome == SUCCEEDED

    parents = {entry["activity"] for it in definitions.values() for entry in it["dependsOn"]}
    return all(good(name) for name in definitions if name not in parents)


@st.composite
def dags(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Up to seven activities, shuffled, each with dependencies on earlier ones, and their outcomes."""
    names = [f"a{n}" for n in range(draw(st.integers(1, 7)))]
    definitions = []
    for position, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:position]), unique=True)) if position else []
        after = {it: draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, unique=True)) for it in parents}
        definitions.append(activity(name, "Wait", after=after))
    own = {name: draw(st.sampled_from([SUCCEEDED, FAILED, SKIPPED])) for name in names}
    return draw(st.permutations(definitions)), own


@settings(deadline=None)
@given(dags(), st.randoms(use_true_random=False))
def test_any_graph_follows_the_rules_in_any_order(
    dag: tuple[list[dict[str, Any]], dict[str, str]], order: random.Random
) -> None:
    """Outcomes, started activities and the overall result agree with the recursive reference."""
    definitions, own = dag
    by_name = {it["name"]: it for it in definitions}
    graph = Graph(definitions)

    outcomes, started = run_graph(graph, own, order)

    assert outcomes == {name: reference_outcome(by_name, own, name) for name in by_name}
    assert len(started) == len(set(started))
    assert (graph.failures(outcomes) == []) is reference_success(by_name, own)


@settings(deadline=None)
@given(dags())
def test_the_blamed_activities_have_failed(
    dag: tuple[list[dict[str, Any]], dict[str, str]],
) -> None:
    """Every activity blamed for a failure has failed, and they are in the order of the definition."""
    definitions, own = dag
    graph = Graph(definitions)
    outcomes, _ = run_graph(graph, own)

    blamed = [node.key for node in graph.failures(outcomes)]

    assert all(outcomes[key] == FAILED for key in blamed)
    assert blamed == [it["name"] for it in definitions if it["name"] in blamed]


async def probe(context: ActivityContext) -> ActivityResult:
    """Takes the given time, and ends with the given outcome."""
    await context.sleep(context.type_properties["seconds"])
    if context.type_properties["ends"] == FAILED:
        raise ActivityFailed("as configured", error_code="1")
    return ActivityResult()


def activity_of(definition: dict[str, Any], ends: str, seconds: int) -> dict[str, Any]:
    """The activity as a Probe, or as an inactive one that is marked as skipped."""
    probed = {**definition, "type": "Probe", "typeProperties": {"seconds": seconds, "ends": ends}}
    return {**probed, "state": "Inactive", "onInactiveMarkAs": SKIPPED} if ends == SKIPPED else probed


@settings(deadline=None)
@given(dags(), st.lists(st.integers(0, 9), min_size=7, max_size=7))
def test_the_engine_follows_the_rules_in_any_graph(
    dag: tuple[list[dict[str, Any]], dict[str, str]], durations: list[int]
) -> None:
    """Each activity starts at the moment its last parent has ended, and the run ends as the rules say."""
    definitions, own = dag
    by_name = {it["name"]: it for it in definitions}
    seconds = dict(zip(sorted(by_name), durations, strict=False))
    with closing(Factory()) as factory:
        factory.registry = activity_types(execution={"Probe": probe})
        factory.define("P", *(activity_of(it, own[it["name"]], seconds[it["name"]]) for it in definitions))
        run = factory.run("P")
        rows = {name: row for name, row in factory.rows(run).items() if row.status != "Inactive"}

    def end_of(name: str) -> timedelta:
        takes = 0 if reference_outcome(by_name, own, name) == SKIPPED else seconds[name]
        return start_of(name) + timedelta(seconds=takes)

    def start_of(name: str) -> timedelta:
        return max((end_of(it["activity"]) for it in by_name[name]["dependsOn"]), default=timedelta(0))

    ran = {name for name in by_name if reference_outcome(by_name, own, name) != SKIPPED}
    assert {name: row.start - EPOCH for name, row in rows.items()} == {name: start_of(name) for name in ran}
    assert (run.status == SUCCEEDED) is reference_success(by_name, own)
    assert run.run_end == EPOCH + max(end_of(name) for name in by_name)


TRY_CATCH = [activity("do", "Wait"), activity("catch", "Wait", after={"do": "Failed"})]
DO_IF_ELSE = [*TRY_CATCH, activity("then", "Wait", after={"do": "Succeeded"})]
DO_IF_SKIP_ELSE = [*DO_IF_ELSE, activity("dummy", "Wait", after={"then": "Skipped"})]
GENERIC_HANDLER = [
    activity("first", "Wait"),
    activity("do", "Wait", after={"first": "Succeeded"}),
    activity("handler", "Wait", after={"do": ["Failed", "Skipped"]}),
]


@pytest.mark.parametrize(
    ("definitions", "failing", "succeeds"),
    [
        (TRY_CATCH, "", True),
        (TRY_CATCH, "do", True),
        (DO_IF_ELSE, "", True),
        (DO_IF_ELSE, "do", False),
        (DO_IF_SKIP_ELSE, "", True),
        (DO_IF_SKIP_ELSE, "do", True),
        (GENERIC_HANDLER, "", True),
        (GENERIC_HANDLER, "first", True),
        (GENERIC_HANDLER, "do", True),
        (GENERIC_HANDLER, "handler", True),
    ],
)
def test_the_documented_patterns(definitions: list[dict[str, Any]], failing: str, *, succeeds: bool) -> None:
    """Try-catch, do-if-else, do-if-skip-else and the generic handler end as the article's table says."""
    graph = Graph(definitions)
    own = {it["name"]: FAILED if it["name"] == failing else SUCCEEDED for it in definitions}

    outcomes, _ = run_graph(graph, own)

    assert (graph.failures(outcomes) == []) is succeeds


def test_a_handler_runs_after_a_failure_further_up() -> None:
    """Skips pass down the chain, so a handler of failures and skips at its end runs."""
    outcomes, started = run_graph(
        Graph(GENERIC_HANDLER), {"first": FAILED, "do": SUCCEEDED, "handler": SUCCEEDED}
    )

    assert outcomes == {"first": FAILED, "do": SKIPPED, "handler": SUCCEEDED}
    assert started == ["first", "handler"]


def test_an_activity_waits_for_all_its_parents() -> None:
    """While one of two parents is running, nothing is decided, not even a skip."""
    graph = Graph(
        [
            activity("a", "Wait"),
            activity("b", "Wait"),
            activity("c", "Wait", after={"a": "Failed", "b": "Succeeded"}),
        ]
    )
    outcomes = {"a": SUCCEEDED}

    assert graph.settle(graph.nodes["a"], outcomes) == []
    assert outcomes == {"a": SUCCEEDED}
    outcomes["b"] = SUCCEEDED
    assert graph.settle(graph.nodes["b"], outcomes) == []
    assert outcomes["c"] == SKIPPED


def test_names_are_compared_without_case() -> None:
    """A dependency finds its activity in whatever case it is written."""
    graph = Graph([activity("Copy Data", "Wait"), activity("b", "Wait", after={"copy data": "Succeeded"})])

    assert [node.name for node in graph.roots] == ["Copy Data"]
    assert [node.name for node in graph.leaves] == ["b"]


def test_no_condition_means_success() -> None:
    """An entry without dependencyConditions requires Succeeded."""
    graph = Graph([activity("a", "Wait"), activity("b", "Wait", after={"a": []})])

    outcomes, _ = run_graph(graph, {"a": FAILED, "b": SUCCEEDED})

    assert outcomes["b"] == SKIPPED


@pytest.mark.parametrize(
    ("definitions", "said"),
    [
        ([activity("a", "Wait"), activity("A", "Wait")], "more than one activity named 'A'"),
        ([activity("a", "Wait", after={"ghost": "Succeeded"})], "depends on 'ghost'"),
        (
            [activity("a", "Wait", after={"b": "Failed"}), activity("b", "Wait", after={"a": "Failed"})],
            "form a cycle: 'a', 'b'",
        ),
    ],
)
def test_an_invalid_graph_is_rejected(definitions: list[dict[str, Any]], said: str) -> None:
    """A duplicate name, an unknown dependency and a cycle are reported by name."""
    with pytest.raises(GraphError, match=said):
        Graph(definitions)

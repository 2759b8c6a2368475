"""A run is adopted only by the request it can belong to: one that is or may yet be another's is left to that one."""

import json
import threading
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import RunCandidate
from adf_trigger.errors import AdfTriggerError, WrongState
from adf_trigger.service.steering.resolve import ResolveOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.resettled import restarted, submit
from tests.support.script import Script
from tests.support.world import FACTORY_ID, World
from tests.support.world import settings as settings_of

MOVED = FACTORY_ID.replace("/rg/", "/rg-new/")


def a_world(**policy: Any) -> World:
    """A service that by default parks requests as soon as their fate is in doubt; its factory ignores ids."""
    kept = {"unknownOutcome": "park", **policy}
    world = World(settings=settings_of(ADF_TRIGGER_POLICY=json.dumps({"*": kept})))
    world.factory.declare("load", corr={"type": "String", "defaultValue": ""})
    world.factory.ids = Ids.IGNORED
    return world


def lose(world: World, key: str, *, started: bool, **fields: Any) -> UUID | None:
    """A request whose answer is lost; its run, where one was started."""
    before = set(world.factory.runs)
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    world.submit(key, **fields)
    return next(iter(set(world.factory.runs) - before), None)


def park(world: World, *keys: str) -> None:
    """Let time pass until the fate of these is unknown."""
    for _ in range(8):
        world.tick(after=30)
    assert [world.status(key) for key in keys] == ["Unknown"] * len(keys)


def candidates(world: World, key: str) -> list[UUID]:
    """The runs that are listed for a request."""
    with pytest.raises(WrongState) as caught:
        world.resolve(key, "adopt")
    shown: list[RunCandidate] = list(caught.value.candidates or ())
    return [each.run_id for each in shown]


def test_a_run_that_carries_the_id_of_another_request_is_not_adopted() -> None:
    """The other request has not found it yet: the run is its own, and stays its only run."""
    world = a_world(correlationParameter="corr")
    lose(world, "a", started=False)
    run_id = lose(world, "b", started=True)
    park(world, "a", "b")
    assert (candidates(world, "a"), candidates(world, "b")) == ([], [run_id])
    with pytest.raises(WrongState, match="cannot belong to it"):
        world.resolve("a", "adopt", run_id=run_id)
    with pytest.raises(WrongState, match=f"run {run_id} belongs to it: adopt it"):
        world.resolve("b", "resubmit", force=True)
    assert world.resolve("a", "resubmit").status == "Accepted", "no run of the list may belong to it"
    assert world.resolve("b", "adopt", run_id=run_id).confirmed_run_id == run_id


def test_a_run_that_carries_an_id_without_a_record_may_be_a_requests() -> None:
    """The parameter may have been added to the policy after the run was started."""
    world = a_world()
    run_id = lose(world, "a", started=True, parameters={"corr": "2026-01-05"})
    park(world, "a")
    world.settings = settings_of(
        ADF_TRIGGER_POLICY='{"*": {"unknownOutcome": "park", "correlationParameter": "corr"}}'
    )
    world.restart()
    assert candidates(world, "a") == [run_id]


def test_a_rerun_carries_the_id_of_the_run_that_it_reruns() -> None:
    """Data Factory takes that run's parameters: once that run is known, the other may be the rerun's."""
    world = a_world(correlationParameter="corr")
    first = world.submit("a").record.run_id
    run_id = lose(world, "again", started=True, reference_pipeline_run_id=first)
    assert run_id is not None
    world.factory.runs[run_id].parameters["corr"] = "a"
    park(world, "again")
    assert candidates(world, "again") == [run_id]


def test_a_run_that_a_request_in_doubt_may_have_started_is_left_to_it() -> None:
    """Without a distinguishing parameter it is not adopted by the older request while the newer one is open."""
    world = a_world()
    lose(world, "a", started=False)
    park(world, "a")
    world.clock.forward(-60)  # within the time of both
    run_id = lose(world, "b", started=True)
    assert world.status("b") == "Accepted"
    assert candidates(world, "a") == []
    with pytest.raises(WrongState, match=f"{run_id} may belong to it, too"):
        world.resolve("a", "adopt")
    with pytest.raises(WrongState, match="may belong to another request"):
        world.resolve("a", "adopt", run_id=run_id)
    with pytest.raises(WrongState, match=f"resubmit with force if none does; {run_id} may belong to it, too"):
        world.resolve("a", "resubmit")
    world.clock.forward(60)
    park(world, "b")
    assert candidates(world, "a") == candidates(world, "b") == [run_id]


def test_a_run_that_one_request_adopted_may_be_the_others() -> None:
    """An operator may have been mistaken: the other request is sent again with force alone."""
    world = a_world()
    run_id = lose(world, "a", started=True)
    lose(world, "b", started=False)
    park(world, "a", "b")
    world.resolve("b", "adopt", run_id=run_id)
    assert candidates(world, "a") == []
    with pytest.raises(WrongState, match="may belong to another request"):
        world.resolve("a", "adopt", run_id=run_id)
    with pytest.raises(WrongState, match="resubmit with force"):
        world.resolve("a", "resubmit")
    assert world.resolve("a", "resubmit", force=True).status == "Accepted"


def test_of_two_concurrent_operators_exactly_one_adopts_a_run() -> None:
    """Both have seen it as a candidate of theirs; the other one is answered that it is no longer available."""
    world = a_world()
    run_id = lose(world, "a", started=True)
    lose(world, "b", started=False)
    park(world, "a", "b")
    meet = threading.Barrier(2, timeout=60)
    query = world.factory.query_runs
    met: list[None] = []

    def query_and_meet(run_filter: Any, **sifting: Any) -> Any:
        pages = list(query(run_filter, **sifting))
        if len(met) < 2:
            met.append(None)
            meet.wait()
        return iter(pages)

    world.factory.query_runs = query_and_meet  # type: ignore[method-assign]
    outcomes: dict[str, str] = {}

    def adopt(key: str) -> None:
        try:
            world.services.steering.resolve(RunSelector(key), ResolveOrder(decision="adopt", run_id=run_id))
            outcomes[key] = "adopted"
        except AdfTriggerError as exc:
            outcomes[key] = type(exc).__name__

    operators = [threading.Thread(target=adopt, args=(key,)) for key in ("a", "b")]
    for each in operators:
        each.start()
    for each in operators:
        each.join(timeout=60)
    assert sorted(outcomes.values()) == ["WrongState", "adopted"]
    owner = world.ledger.find(FACTORY_ID, run_id) if run_id else None
    assert owner is not None
    assert outcomes[owner.record.request_id] == "adopted"


@pytest.mark.parametrize("step", ["adoption.claim", "records.take_over"])
def test_of_two_operators_of_a_moved_factory_exactly_one_adopts_a_run(step: str) -> None:
    """Their requests are kept under two of its ids, which no transaction spans."""
    script = Script()
    policy = json.dumps({"*": {"unknownOutcome": "park"}})
    world = World(settings=settings_of(ADF_TRIGGER_POLICY=policy), steps=script)
    world.factory.declare("load")
    world.factory.ids = Ids.IGNORED
    run_id = lose(world, "old", started=True)
    factory = {"default": (MOVED, world.factory)}
    elsewhere = restarted(world, factory, ADF_TRIGGER_POLICY=policy)
    world.factory.fail_next("create_run", LOST_REPLY)
    submit(elsewhere, "new")
    services = restarted(world, factory, {FACTORY_ID: "default"}, ADF_TRIGGER_POLICY=policy)
    for _ in range(8):
        world.clock.forward(30)
        services.tick.run()
    outcomes: dict[str, str] = {}

    def adopt(key: str) -> None:
        try:
            services.steering.resolve(RunSelector(key), ResolveOrder(decision="adopt", run_id=run_id))
            outcomes[key] = "adopted"
        except AdfTriggerError as exc:
            outcomes[key] = type(exc).__name__

    script.meanwhile = (step, lambda: adopt("new"))
    adopt("old")
    assert sorted(outcomes.values()) == ["WrongState", "adopted"]
    assert [note.name for note in world.notes.named(FACTORY_ID, "adoption|")] == []


def test_a_run_that_is_kept_under_another_id_of_the_factory_is_not_unclaimed() -> None:
    """Neither an operator nor the service itself treats it as a run without a record."""
    world = World()
    world.factory.declare("load")
    factory = {"default": (MOVED, world.factory)}
    submit(restarted(world, factory), "theirs")
    services = restarted(world, factory, {FACTORY_ID: "default"})
    world.factory.fail_next("create_run", LOST_REPLY)
    submit(services, "key-1")
    for _ in range(40):
        world.clock.forward(30)
        services.tick.run()
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    assert stored.record.status in ("Queued", "InProgress"), stored.record.message
    assert len(world.factory.runs) == 2

"""Wherever a process ends, and in any order of events, every answered caller is called back, and no other."""

import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.errors import AdfTriggerError, LedgerError, PublishError, RequestConflict
from adf_trigger.service.callbacks.callbacks import CALLBACKS
from tests.support.callbacks import URI, finished
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World

HOST = "https://dpeastus.svc.datafactory.azure.com/workflow/callback/"
BEFORE_AN_ANSWER = ["callbacks.keep", "records.claim", "send.create_run", "records.submit"]
AT_THE_END = [
    "records.end",
    "notify.event",
    "records.publish",
    "callbacks.claim",
    "callbacks.call",
    "callbacks.postpone",
    "callbacks.remove",
]


def declared(script: Script) -> World:
    """A service with a pipeline."""
    world = World(steps=script)
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    return world


def finish_all(world: World) -> None:
    """Let every run end."""
    for run_id in world.factory.runs:
        world.factory.finish(run_id)


def ticks(world: World, count: int) -> None:
    """Tick a few times."""
    for _ in range(count):
        world.tick(after=60)


def settled(world: World) -> None:
    """Let time pass until no work is left."""
    for _ in range(12):
        world.tick(after=120)
        finish_all(world)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", BEFORE_AN_ANSWER)
def test_a_caller_without_an_answer_comes_again_and_is_called(step: str, *, after: bool) -> None:
    """An activity retries with another address: that one is called, and one run was started."""
    script = Script()
    world = declared(script)
    script.crash = (step, after)
    with pytest.raises(Crashed):
        world.submit(call_back_uri=HOST + "1")
    world.restart()
    world.clock.forward(200)
    world.submit(call_back_uri=HOST + "2")
    settled(world)
    assert len(world.factory.runs) == 1
    assert Counter(world.called_back.reported)[HOST + "2", "Succeeded"] == 1
    assert set(world.called_back.reported) <= {(HOST + "1", "Succeeded"), (HOST + "2", "Succeeded")}
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", AT_THE_END)
def test_every_answered_caller_is_called(step: str, *, after: bool) -> None:
    """It is called at least once, and twice only where the process ended between the call and the row's removal."""
    script = Script()
    world = declared(script)
    world.submit(call_back_uri=HOST + "1")
    finish_all(world)
    world.called_back.answers[HOST + "1"] = [PublishError("no answer")]
    script.crash = (step, after)
    with pytest.raises(Crashed):
        ticks(world, 4)
    world.restart()
    settled(world)
    taken = len(world.called_back.calls) - 1
    assert 1 <= taken <= 2
    assert set(world.called_back.reported) == {(HOST + "1", "Succeeded")}
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "other", "finish", "tick", "down", "refuse", "restart"]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=25,
)


class Callers:
    """A service, and the answers that its callers got."""

    def __init__(self) -> None:
        self.world = declared(Script())
        self.taken: set[str] = set()
        self.refused: set[str] = set()
        notes = self.world.notes
        self.outages = (notes.before, notes.after, self.world.ledger.before)

    def ask(self, uri: str, key: int, n: int) -> None:
        """Ask for a run, or repeat a request."""
        try:
            self.world.submit(f"key-{key}", call_back_uri=uri, parameters={"n": n})
        except RequestConflict:
            self.refused.add(uri)
        except AdfTriggerError:
            return
        else:
            self.taken.add(uri)

    def do(self, action: str, uri: str, key: int, more: int) -> None:
        """Let an event happen."""
        if action in ("ask", "other"):
            self.ask(uri, key, 0 if action == "ask" else 1 + more)
        elif action == "finish":
            finish_all(self.world)
        elif action == "tick":
            self.world.tick(after=15 * (1 + more))
        elif action == "down":
            self.outages[key]["claim" if key == len(self.outages) - 1 else "put"] = [LedgerError("down")]
        elif action == "refuse":
            self.world.called_back.answers |= {each: [503] * (1 + more) for each in self.taken}
        else:
            self.world.restart()


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_every_accepted_address_is_called_and_no_other(
    actions: list[tuple[str, int, int]],
) -> None:
    """This holds for repeats, other requests under used keys, outages of the ledger and of callers, and restarts."""
    callers = Callers()
    for number, (action, key, more) in enumerate(actions):
        callers.do(action, f"{HOST}{number}", key, more)
    for each in callers.outages:
        each.clear()
    finish_all(callers.world)
    settled(callers.world)
    callers.world.tick(after=4_000)
    callers.world.tick(after=400)
    called = {uri for uri, _ in callers.world.called_back.calls}
    assert callers.taken <= called
    assert not callers.refused & called
    assert callers.world.notes.named(FACTORY_ID, CALLBACKS) == []


def test_a_service_without_tick_threads_calls_back_on_the_thread_of_the_caller() -> None:
    """A repeat of an ended request brings an address, which is called directly."""
    world = World()
    world.factory.declare("load")
    threads: list[threading.Thread] = []
    world.called_back.during = lambda: threads.append(threading.current_thread())
    world.submit()
    finished(world)
    world.tick(after=15)
    world.submit(call_back_uri=URI)
    assert threads == [threading.main_thread()]

"""The ways in which a request gets its place, each run on a given ledger."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from adf_trigger.errors import AtCapacity
from adf_trigger.ledger.records import Waits
from adf_trigger.messages.decoding import Message
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.admitted import a_world, finish, found, policy, start, under_way, waits, with_policy
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import STARTED, World

ODD: Sequence[Any] = [
    *("/", "\\", "#?", "%2F", "\t\n\r", "\x7f\x80", "\u0000", "'", '"', " ", ""),
    *("é", "e\u0301", "ﬀ", "ß", "ẞ", "İ", "\u200f", "\ufffe", "😀", "你好", "null"),
    *(None, True, 1, "1", 1.5, [], {}, {"/": ["\\"]}),
    *("x" * 20_000, "x" * 19_999 + "y", "😀" * 5_000),
]
"""Similar values that cannot be used unchanged in a row's key."""


def message(world: World, text: str, key: str) -> None:
    """Deliver a message."""
    now = world.clock()
    decoded = Message.decode(text.encode(), message_id=key, attempts=1, inserted_at=now)
    world.services.intake.take(decoded)


def of_customer_a(key: str, **parameters: str) -> str:
    """The message of a request."""
    return json.dumps({"pipeline": "load", "requestId": key, "parameters": {"customer": "A", **parameters}})


def secrets_by_queue(ledger: Any) -> None:
    """A message with secrets is put back while there is no place, and takes a place that is free when it comes."""
    world = a_world(ledger=ledger)
    start(world, "a-1")
    message(world, of_customer_a("s-1", secret="hush"), "m-1")
    for number in range(2):
        ((text, _),) = world.outbox.put_back_texts
        world.outbox.put_back_texts.clear()
        assert found(world, "s-1").waits_for is Waits.CALLER
        if number:
            finish(world, "a-1")
            world.tick(after=60)
        message(world, text, f"m-{number + 2}")
    assert found(world, "s-1").status in STARTED
    assert world.outbox.put_back_texts == []
    assert start(world, "a-2").waits_for is Waits.ADMISSION
    assert under_way(world) == ["A"]
    assert "hush" not in repr(found(world, "s-1"))


def replay_of_a_refused_message(ledger: Any) -> None:
    """Replayed without a free place it is refused again; with one it takes it, as any request does."""
    world = a_world(ledger=ledger, overflow="refuse")
    start(world, "a-1")
    message(world, of_customer_a("a-2"), "m-1")
    for again in (True, False):
        assert world.services.query.show("a-2").status == "Rejected"
        if not again:
            finish(world, "a-1")
            world.tick(after=60)
        world.services.steering.replay(RunSelector("a-2"), ReplayOrder())
        ((text, _),) = world.outbox.put_back_texts
        world.outbox.put_back_texts.clear()
        world.clock.forward(60)
        message(world, text, f"m-{again}")
    assert found(world, "a-2").status in STARTED
    with pytest.raises(AtCapacity):
        start(world, "a-3")
    assert under_way(world) == ["A"]


def rerun_that_is_refused(ledger: Any) -> None:
    """Nothing is kept of it, and it can be repeated; a repeat of an accepted one takes no second place."""
    world = a_world(ledger=ledger, overflow="refuse")
    start(world, "a-1")
    finish(world, "a-1", "Failed")
    world.tick(after=60)
    start(world, "a-2")
    with pytest.raises(AtCapacity) as refused:
        world.rerun("a-1")
    assert [each.request_id for each in refused.value.runs] == ["a-2"]
    finish(world, "a-2")
    world.tick(after=60)
    again = world.rerun("a-1").record
    assert again.status in STARTED
    repeated = start(
        world, again.request_id, is_recovery=True, reference_pipeline_run_id=found(world, "a-1").run_id
    )
    assert repeated.run_id == again.run_id
    assert under_way(world) == ["A"]


def _unknown(ledger: Any, *, started: bool) -> World:
    world = a_world(ledger=ledger)
    world.settings = with_policy({**policy(), "unknownOutcome": "park"})
    world.restart()
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    start(world, "a-1")
    start(world, "a-2")
    for _ in range(8):
        world.tick(after=30)
    assert found(world, "a-1").status == "Unknown"
    assert waits(world, "a-2")
    return world


def resubmission(ledger: Any) -> None:
    """It still has its place, so that none is admitted before its run has ended."""
    world = _unknown(ledger, started=False)
    world.resolve("a-1", "resubmit", force=True)
    for _ in range(3):
        world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    assert waits(world, "a-2")
    finish(world, "a-1")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def adoption(ledger: Any) -> None:
    """The adopted run had the place throughout, until it has ended."""
    world = _unknown(ledger, started=True)
    (run_id,) = world.factory.runs
    world.resolve("a-1", "adopt", run_id=run_id)
    world.tick(after=60)
    assert waits(world, "a-2")
    finish(world, "a-1")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def dismissal_and_adoption(ledger: Any) -> None:
    """A dismissal frees the place for another request: a run that is adopted afterwards is not counted."""
    world = _unknown(ledger, started=True)
    (run_id,) = world.factory.runs
    world.resolve("a-1", "dismiss")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    world.resolve("a-1", "adopt", run_id=run_id)
    start(world, "a-3")
    finish(world, "a-1")
    world.tick(after=60)
    assert waits(world, "a-3")
    finish(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-3").status in STARTED


def repeats_over_restarts(ledger: Any) -> None:
    """Neither a request with a place nor one that waits takes another one, on any host."""
    world = a_world(ledger=ledger)
    for _ in range(3):
        world.restart()
        for key in ("a-1", "a-2", "a-3"):
            start(world, key)
        world.tick(after=15)
    assert [found(world, key).place_number for key in ("a-1", "a-2", "a-3")] == [None, 1, 2]
    assert under_way(world) == ["A"]


def two_policies_at_once(ledger: Any) -> None:
    """While hosts are replaced one counts by customer and the other all together: each request runs, once."""
    world = a_world(ledger=ledger)
    policies = [with_policy(policy()), with_policy(policy(1, None))]
    keys = ["a-1", "a-2", "a-3", "a-4"]
    for number, key in enumerate(keys):
        world.settings = policies[number % 2]
        world.restart()
        start(world, key)
    for number in range(16):
        world.settings = policies[number % 2]
        world.restart()
        for key in keys:
            if found(world, key).status in STARTED:
                finish(world, key)
        world.tick(after=100)
    assert {found(world, key).status for key in keys} == {"Succeeded"}
    assert len(world.factory.runs) == len(keys)


def clocks_ten_minutes_apart(ledger: Any) -> None:
    """The order is that of the claims, whatever the clocks of the hosts show."""
    world = a_world(ledger=ledger)
    keys = [f"a-{number}" for number in range(5)]
    for number, key in enumerate(keys):
        world.clock.jump(600 if number % 2 else -600)
        start(world, key)
    for number, key in enumerate(keys):
        assert found(world, key).status in STARTED
        assert waits(world, *keys[number + 1 :])
        finish(world, key)
        world.tick(after=100)


def odd_keys(ledger: Any) -> None:
    """Each value is a key of its own: one run of it is active, and the next one starts when that has ended."""
    world = a_world(ledger=ledger)
    world.factory.declare("load", customer={"type": "Object", "defaultValue": {}})
    for number, value in enumerate(ODD):
        for turn in (1, 2):
            record = world.submit(f"{number}-{turn}", parameters={"customer": {"v": value}}).record
            assert (record.waits_for is Waits.ADMISSION) is (turn == 2), repr(value)[:50]
    for number in range(len(ODD)):
        finish(world, f"{number}-1")
    for _ in range(4):
        world.tick(after=100)
    assert all(found(world, f"{number}-2").status in STARTED for number in range(len(ODD)))
    assert all(len(found(world, f"{number}-2").admission_key or "") <= 256 for number in range(len(ODD)))


PATHS: Mapping[str, Callable[[Any], None]] = {
    each.__name__: each
    for each in (
        *(secrets_by_queue, replay_of_a_refused_message, rerun_that_is_refused, resubmission, adoption),
        *(dismissal_and_adoption, repeats_over_restarts, two_policies_at_once, clocks_ten_minutes_apart),
        odd_keys,
    )
}

"""Different events never share source and id; one event, sent again, keeps both."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.contracts import HistoryEntry
from adf_trigger.errors import BadRequest, LedgerConflict, ResourceNotFound, Throttled
from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.decoding import Message
from adf_trigger.news import CompletionEvent
from adf_trigger.service.news.notify import Notifier
from adf_trigger.service.recording.moves import IllegalMove
from adf_trigger.service.recording.records import Records
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.steering.cancel import CancelOrder
from adf_trigger.service.steps import logged_steps
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import FACTORY_ID, MovingClock, World
from tests.support.world import settings as settings_of


def names(events: list[CompletionEvent]) -> list[tuple[str, str]]:
    """The identity by which a consumer drops repeats."""
    return [(event.source, event.id) for event in events]


def a_world(**changes: str) -> World:
    """A service with a pipeline, whose requests are parked as soon as their fate is in doubt."""
    policy = {"ADF_TRIGGER_POLICY": '{"*": {"unknownOutcome": "park"}}'}
    world = World(settings=settings_of(**policy, **changes))
    world.factory.declare("load")
    return world


def refuse(world: World, key: str = "key-1") -> None:
    """A request that Data Factory rejects, published."""
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    with pytest.raises(BadRequest):
        world.submit(key)
    world.tick(after=15)
    assert world.status(key) == "Rejected"


def park(world: World) -> None:
    """A request of unknown fate, published."""
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    for _ in range(8):
        world.tick(after=30)
    assert world.status() == "Unknown"


def test_a_key_that_is_the_run_id_of_another_request_shares_no_id_with_it() -> None:
    """Both are cancelled, one before it was started: two events, of which none may be dropped as a repeat."""
    world = a_world()
    run_id = world.submit().record.run_id
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit(str(run_id))
    canceller, query = world.services.canceller, world.services.query
    canceller.cancel(query.find(str(run_id), by="requestId"), CancelOrder())
    world.clock.forward(60)
    canceller.cancel(query.find("key-1"), CancelOrder())
    for _ in range(5):
        world.tick(after=60)
    assert [event.data.status for event in world.outbox.events] == ["Cancelled", "Cancelled"]
    assert len(set(names(world.outbox.events))) == 2


def test_a_second_unknown_fate_under_a_key_that_was_rejected_in_between_is_a_new_event() -> None:
    """The count of a key's earlier request is not restarted for the later one."""
    world = a_world()
    park(world)
    world.resolve("key-1", "resubmit", force=True)
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    for _ in range(4):
        world.tick(after=15)
    assert world.status() == "Rejected"
    park(world)
    assert [event.data.status for event in world.outbox.events] == ["Unknown", "Rejected", "Unknown"]
    assert len(set(names(world.outbox.events))) == 3


@pytest.mark.parametrize("end", [refuse, park])
def test_a_key_that_is_reused_after_its_record_was_purged_has_events_of_its_own(
    end: Callable[[World], None],
) -> None:
    """Nothing is left to count by, and still no id is given twice."""
    world = a_world(ADF_TRIGGER_RETENTION_DAYS="50")
    end(world)
    for _ in range(3):
        world.tick(after=26 * 24 * 3_600)
    assert world.ledger.get(FACTORY_ID, "key-1") is None
    end(world)
    assert len(set(names(world.outbox.events))) == len(world.outbox.events) == 2


def take(world: World, document: dict[str, Any]) -> None:
    """Accept a message that was put when the world began, and is delivered once more each time."""
    body = json.dumps(document).encode()
    world.services.intake.take(
        Message.decode(body, message_id="m-1", attempts=2, inserted_at=MovingClock().now)
    )


@pytest.mark.parametrize(
    ("pipeline", "more"), [("later", {}), ("LOAD", {"surprise": 1})], ids=["another reason", "another name"]
)
def test_a_message_that_is_rejected_once_more_is_the_same_event(pipeline: str, more: dict[str, Any]) -> None:
    """Its host ended before the deletion; by now its key is another's, or the spelling of its pipeline is known."""
    world = a_world()
    world.factory.always["get_pipeline"] = ResourceNotFound("not yet", code="NotFound", status=404)
    take(world, {"pipeline": pipeline, "requestId": "key-1", **more})
    world.factory.always.clear()
    world.factory.declare("later")
    world.submit("key-1")
    take(world, {"pipeline": pipeline, "requestId": "key-1", **more})
    assert len(world.outbox.events) == 2
    assert len(set(names(world.outbox.events))) == 1


def a_record(**changes: Any) -> RunRecord:
    """A request that was just made, with changes."""
    fresh = RunRecord(
        factory=FACTORY_ID,
        request_id="key-1",
        pipeline="load",
        digest="d" * 64,
        run_id=uuid4(),
        state=RunState.ACCEPTED,
        status="Accepted",
        requested_at=MovingClock().now,
    )
    return replace(fresh, **changes)


FORMS = [
    "{run}",
    "{run}/Unknown",
    "{run}/Rejected",
    "{run}/Unknown/2",
    "first",
    "first/Rejected",
    "first/Unknown",
]
"""Keys of the second request that contain the first one's runId."""
MOVES = [
    *("claim", "lease", "start", "start elsewhere", "reject", "park", "cancel", "end", "lose"),
    *("publish", "publish", "resubmit", "adopt", "adopt the other's", "reclaim", "purge", "refuse a message"),
]


@dataclass
class Story:
    """Two requests that make moves, and all that was published of them."""

    second: str
    clock: MovingClock = field(default_factory=MovingClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    world: World = field(default_factory=World)
    keys: list[str] = field(default_factory=lambda: ["first"])
    published: list[tuple[str, str]] = field(default_factory=list)
    messages: int = 0

    def __post_init__(self) -> None:
        self.records = Records(self.ledger, self.clock, logged_steps, lease=timedelta(seconds=1))
        self.notifier: Notifier = self.world.services.intake._rejecter._notifier
        self.move(0, "claim", "Failed")
        (first,) = self.ledger.runs(FACTORY_ID, since=None, limit=1, continuation=None).records
        self.keys.append(self.second.format(run=first.run_id))

    def move(self, number: int, move: str, status: str) -> None:
        """Make a move with one of the requests, where it can be made."""
        self.clock.forward(1)
        if move == "refuse a message":
            self.refuse_a_message(self.keys[number])
            return
        stored = self.ledger.get(FACTORY_ID, self.keys[number])
        try:
            if stored is None:
                if move == "claim":
                    self.records.claim(self.fresh(self.keys[number]))
                return
            saved = self.moved(stored, number, move, status)
        except (IllegalMove, LedgerConflict):
            return
        if (
            saved is not None
            and saved.record.state is RunState.ENDED
            and stored.record.state is not RunState.ENDED
        ):
            self.published.append(self.news_of(saved.record))

    def moved(self, stored: Stored, number: int, move: str, status: str) -> Stored | None:
        """The record after a move; None where the move makes no record."""
        record, records = stored.record, self.records
        entry = HistoryEntry(at=self.clock.now, action=move)
        if move == "publish" and record.state is RunState.ENDED:
            assert self.news_of(record) in self.published, "the same event was published with another content"
        if move in ("reclaim", "purge") and record.state is not RunState.PUBLISHED:
            return None
        if move == "purge":
            self.ledger.release(stored)
            return None
        if move == "reclaim":
            rejected = record.status == "Rejected"
            return records.reclaim(stored, self.fresh(record.request_id)) if rejected else None
        moves: dict[str, Callable[[], Stored]] = {
            "lease": lambda: records.lease_to_send(stored),
            "start": lambda: records.submit(stored, record.run_id),
            "start elsewhere": lambda: records.submit(stored, uuid4()),
            "reject": lambda: records.reject(stored, "no"),
            "park": lambda: records.park(stored, "who knows"),
            "cancel": lambda: records.cancel(stored),
            "end": lambda: records.end(stored, RunEnd(status=status)),
            "lose": lambda: records.lose(stored, "gone"),
            "publish": lambda: records.publish(stored, ""),
            "resubmit": lambda: records.resubmit(stored, entry),
            "adopt": lambda: records.take_over(stored, uuid4(), entry),
            "adopt the other's": lambda: records.take_over(stored, self.run_of_the_other(number), entry),
        }
        return moves[move]() if move in moves else None

    def run_of_the_other(self, number: int) -> UUID:
        """A runId that the other request has; a new one where there is none."""
        other = self.ledger.get(FACTORY_ID, self.keys[1 - number]) if len(self.keys) > 1 else None
        return uuid4() if other is None else other.record.run_id

    def fresh(self, key: str) -> RunRecord:
        """A request that was just made."""
        return a_record(request_id=key, requested_at=self.clock.now)

    def refuse_a_message(self, key: str) -> None:
        """A message of that key that can never work is published twice."""
        self.messages += 1
        for _ in range(2):
            body = json.dumps({"pipeline": "load", "requestId": key, "surprise": 1}).encode()
            self.world.services.intake.take(
                Message.decode(
                    body, message_id=f"m-{self.messages}", attempts=1, inserted_at=MovingClock().now
                )
            )
        *_, before, event = names(self.world.outbox.events)
        assert before == event
        self.published.append(event)

    def news_of(self, record: RunRecord) -> tuple[str, str]:
        """The identity of a record's event."""
        self.notifier.ended(record)
        return names(self.world.outbox.events)[-1]


@given(
    second=st.sampled_from(FORMS),
    moves=st.lists(
        st.tuples(
            st.integers(0, 1), st.sampled_from(MOVES), st.sampled_from(["Succeeded", "Failed", "Cancelled"])
        ),
        min_size=20,
        max_size=80,
    ),
)
@settings(deadline=None, max_examples=150)
def test_no_two_events_share_an_id(second: str, moves: list[tuple[int, str, str]]) -> None:
    """This holds for any moves of two requests, one of which has a key that looks like an event of the other."""
    story = Story(second)
    for move in moves:
        story.move(*move)
    assert len(set(story.published)) == len(story.published)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "Rejected"}, "key-1/Rejected"),
        ({"status": "Rejected", "rejections": 2}, "key-1/Rejected/3"),
        ({"status": "Cancelled"}, "key-1/Cancelled"),
        ({"status": "Unknown", "unknowns": 1}, "key-1/Unknown/2"),
        ({"status": "Unknown", "submitted_at": MovingClock().now}, "{run}/Unknown"),
        ({"status": "Failed", "submitted_at": MovingClock().now}, "{run}/Failed"),
    ],
)
def test_a_record_that_an_earlier_version_has_ended_keeps_its_event_id(
    changes: dict[str, Any], expected: str
) -> None:
    """That version may have published it without recording that: this version publishes the same event."""
    ended = a_record(state=RunState.ENDED, ended_at=MovingClock().now, **changes)
    world = World()
    world.services.intake._rejecter._notifier.ended(ended)
    (event,) = world.outbox.events
    assert event.id == expected.format(run=ended.run_id)

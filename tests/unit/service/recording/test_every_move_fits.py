"""An accepted request can make every later move, however large it is and however long the texts are."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.contracts import HistoryEntry, RunRequest, RunStatus
from adf_trigger.errors import BadRequest, InvalidRequest, LedgerConflict
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.keys import run_key
from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.places import KeptPlaces, Places
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import CameAs, RunRecord, RunState
from adf_trigger.ledger.room import MAX_REQUEST_CHARS
from adf_trigger.ledger.rows import operations, places_row, rows_of
from adf_trigger.messages.decoding import Message
from adf_trigger.results import ActivityError, ActivityResult, ChildRun, Results, RouteDelivery
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.publishing.routes import LONGEST_WHY
from adf_trigger.service.recording import joining
from adf_trigger.service.recording.moves import IllegalMove
from adf_trigger.service.recording.records import Records
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.steps import logged_steps
from adf_trigger.service.submission import Submission
from adf_trigger.settings.routes import MOST_ROUTES
from tests.contracts.ledger_records import a_large_record, a_record
from tests.support.world import START, MovingClock, World

pytestmark = pytest.mark.untraced

LATER = START + timedelta(minutes=1)
MOST_OPERATIONS = 100
LARGEST_TRANSACTION = 4 * 1024 * 1024


class Checked(MemoryLedger):
    """A ledger in memory that checks every write against the limits of a transaction of Table storage."""

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        saved = super().save(stored, record, places)
        self._require_transaction(stored.record, saved.record, places)
        return saved

    def reclaim(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        saved = super().reclaim(stored, record, places)
        self._require_transaction(stored.record, saved.record, places)
        return saved

    def _require_transaction(self, before: RunRecord, after: RunRecord, places: KeptPlaces | None) -> None:
        rows = [rows_of(each, encode_record(each)) for each in (before, after)]
        changes = list(operations("p", run_key(after.request_id), *rows, etag="e", write_id="w" * 32))
        changes += [] if places is None else [places_row("p", places)]
        assert len(changes) <= MOST_OPERATIONS
        sent = (entity if name != "delete" else {} for name, entity, _ in changes)
        assert len(json.dumps([*sent], default=lambda body: body.hex())) < LARGEST_TRANSACTION


def an_end(text: str) -> RunEnd:
    """The end of a run with long texts."""
    error = ActivityError(activity_name=text[:256], error_code=text[:256], message=text[:1024])
    child = ChildRun(run_id=text[:256], errors=[error] * 10)
    results = Results(
        activities=[ActivityResult(activity_name=text[:256], status="Failed")] * 100,
        children=[child] * 20,
        return_value={"text": text},
    )
    return RunEnd(status="Failed", message=text, errors=(error,) * 10, results=results)


def some_deliveries(text: str) -> list[RouteDelivery]:
    """The deliveries of an event along as many routes as there may be."""
    named = (f"{number}{'r' * 38}" for number in range(MOST_ROUTES))
    return [RouteDelivery(route=name, status="pending", at=LATER, why=text[:LONGEST_WHY]) for name in named]


def an_entry(text: str) -> HistoryEntry:
    """An entry of the history."""
    return HistoryEntry(at=LATER, by=text[:256], action="resolve as adopt", note=text[:1024])


def reclaim(records: Records, stored: Stored, text: str) -> Stored:
    """The request of a rejected key comes again, as the rerun that it is."""
    if stored.record.state is not RunState.PUBLISHED or stored.record.status != RunStatus.REJECTED:
        raise IllegalMove("it was not rejected")
    again = a_record(stored.record.factory, stored.record.request_id, parameters=stored.record.parameters)
    return records.reclaim(stored, replace(again, history=(an_entry(text),)))


def places_of(stored: Stored) -> KeptPlaces:
    """Places that were not read before, with the longest possible key."""
    return KeptPlaces(
        Places(name=uuid4().hex * 2, pipeline=stored.record.pipeline, by="b" * 271, key="k" * 256)
    )


def admit(records: Records, stored: Stored, _: str) -> Stored:
    """It is given a place."""
    kept = places_of(stored)
    return records.admit(stored, admission_moves.admit(stored.record, kept.places, now=LATER), kept)


def line_up(records: Records, stored: Stored, text: str) -> Stored:
    """It waits for a place."""
    kept = places_of(stored)
    moved = admission_moves.line_up(stored.record, kept.places, number=10**9, reason=text)
    return records.line_up(stored, moved, kept)


def another(stored: Stored, text: str = "") -> RunRecord:
    """Another request, whose run has ended with long texts."""
    end = an_end(text)
    fields = {name: getattr(end, name) for name in ("status", "message", "errors", "results")}
    other = a_record(stored.record.factory, "o" * 128, submitted_at=LATER, **fields)
    return replace(other, state=RunState.ENDED, ended_at=LATER)


def joined(stored: Stored, other: RunRecord) -> Stored:
    """The request, as one that has joined another one."""
    return replace(stored, record=joining.join(stored.record, other))


def end_joined(records: Records, stored: Stored, text: str) -> Stored:
    """The run that it has joined has ended."""
    other = another(stored, text)
    return records.end_joined(joined(stored, other), other)


def leave_joined(records: Records, stored: Stored, _: str) -> Stored:
    """The run that it has joined had ended before."""
    other = another(stored)
    return records.leave_joined(joined(stored, other), other)


Move = Callable[[Records, Stored, str], Stored]

MOVES: dict[str, Move] = {
    "reclaim": reclaim,
    "admit": admit,
    "line up": line_up,
    "end joined": end_joined,
    "leave joined": leave_joined,
    "lease": lambda records, stored, _: records.lease_to_send(stored),
    "submit": lambda records, stored, _: records.submit(stored, uuid4()),
    "postpone": lambda records, stored, text: records.postpone(stored, until=LATER, reason=text),
    "hold": lambda records, stored, text: records.hold(
        stored, by="x" * 32, since=LATER, ended=LATER, reason=text
    ),
    "unhold": lambda records, stored, _: records.unhold(stored, ended=LATER, in_line="why"),
    "doubt": lambda records, stored, text: records.doubt(stored, until=LATER, answer=text),
    "ask later": lambda records, stored, text: records.ask_later(stored, until=LATER, reason=text),
    "adopt": lambda records, stored, _: records.adopt(stored, uuid4()),
    "reject": lambda records, stored, text: records.reject(stored, text),
    "park": lambda records, stored, text: records.park(stored, text),
    "lose": lambda records, stored, text: records.lose(stored, text),
    "hand over": lambda records, stored, _: records.hand_over(stored),
    "see": lambda records, stored, text: records.see(stored, status=text, started_at=LATER),
    "overdue": lambda records, stored, text: records.overdue(stored, "e", status=text, started_at=LATER),
    "route": lambda records, stored, text: records.route(stored, some_deliveries(text)),
    "look": lambda records, stored, _: records.look(stored),
    "miss": lambda records, stored, _: records.miss(stored),
    "end": lambda records, stored, text: records.end(stored, an_end(text)),
    "lease to publish": lambda records, stored, _: records.lease_to_publish(stored),
    "publish": lambda records, stored, _: records.publish(stored, "id"),
    "cancel": lambda records, stored, text: records.cancel(stored, an_entry(text)),
    "ask cancel": lambda records, stored, text: records.ask_cancel(stored, an_entry(text), recursive=True),
    "confirm cancel": lambda records, stored, _: records.confirm_cancel(stored),
    "cancel later": lambda records, stored, text: records.cancel_later(stored, until=LATER, reason=text),
    "refuse cancel": lambda records, stored, text: records.refuse_cancel(stored, an_entry(text)),
    "take over": lambda records, stored, text: records.take_over(stored, uuid4(), an_entry(text)),
    "resubmit": lambda records, stored, text: records.resubmit(stored, an_entry(text)),
    "dismiss": lambda records, stored, text: records.dismiss(stored, an_entry(text)),
    "note": lambda records, stored, text: records.note(stored, an_entry(text), reruns=3),
}


@pytest.mark.parametrize("name", sorted({*dir(Records)} - {*dir(object)}))
def test_every_move_is_tried(name: str) -> None:
    """A new way to write a record is added above."""
    others = {"claim", "observe", "save_cursor", "purge", "remove_places"}
    tried = {*(move.replace(" ", "_") for move in MOVES), "lease_to_send"}
    assert name.startswith("_") or name in tried | others


@settings(max_examples=40)
@given(
    letter=st.sampled_from(["x", "ü", "\U0010ffff", '"']),
    body=st.sampled_from([0, 65_536]),
    moves=st.lists(
        st.tuples(st.sampled_from(sorted(MOVES)), st.sampled_from(["", "x" * 9_000, "\U0010ffff" * 9_000])),
        min_size=40,
        max_size=120,
    ),
)
def test_every_later_move_of_a_record_at_the_limit_fits(
    letter: str, body: int, moves: list[tuple[str, str]]
) -> None:
    """No sequence of moves raises RecordTooLarge, or changes the accepted request."""
    taken = a_large_record(
        MAX_REQUEST_CHARS - body // 2, letter, came_as=CameAs(body=b"x" * body) if body else None
    )
    records = Records(Checked(), MovingClock(), logged_steps, lease=timedelta(seconds=90))
    stored = records.claim(taken).stored
    for name, text in moves:
        with suppress(IllegalMove, LedgerConflict):
            stored = MOVES[name](records, stored, text)
        assert stored.record.parameters == taken.parameters


def too_large() -> dict[str, Any]:
    """Parameters that no record has room for."""
    return {"n": "x" * MAX_REQUEST_CHARS}


@pytest.fixture
def world() -> World:
    """A service with a pipeline that takes a text."""
    world = World()
    world.factory.declare("load", n={"type": "String"})
    return world


def the_fault(error: InvalidRequest) -> str:
    """The place of the single fault, which names the size."""
    (fault,) = error.faults
    assert "too large to be stored" in fault.message
    return fault.pointer


def submission(world: World, parameters: dict[str, Any]) -> Submission:
    """A request with parameters."""
    request = RunRequest(parameters=parameters)
    factory = world.services.factories.choose(None)
    return Submission(factory=factory, pipeline="load", request=request, request_id="key-1")


def test_a_request_that_leaves_no_room_is_refused_before_it_is_claimed(world: World) -> None:
    """This holds alone, in a batch and for a preview; nothing is kept, and nothing sent."""
    asked = submission(world, too_large())
    (batched,) = world.services.batch.start([asked])
    assert isinstance(batched, InvalidRequest)
    found = [the_fault(batched)]
    for ask in (world.services.submitter.submit, world.services.preview.preview):
        with pytest.raises(InvalidRequest) as caught:
            ask(asked)
        found.append(the_fault(caught.value))
    assert found == ["/parameters"] * 3
    assert world.ledger.get(asked.factory.id, "key-1") is None
    assert not world.factory.runs


def test_a_message_that_leaves_no_room_is_rejected(world: World) -> None:
    """It is published with its fault, and kept as it came."""
    body = json.dumps({"pipeline": "load", "requestId": "k", "parameters": too_large()}).encode()
    world.services.intake.take(Message.decode(body, message_id="m-1", attempts=1, inserted_at=START))
    (event,) = world.outbox.events
    assert "too large to be stored" in str(event.data.message)
    assert [kept.body for kept in world.kept()] == [body]
    assert not world.factory.runs


def test_a_request_that_was_accepted_before_stays_accepted(world: World) -> None:
    """An earlier version accepted it: it is answered with its run, though it is too large by now."""
    stored = world.submit(parameters={"n": "x"}).record
    old = submission(world, too_large())
    ledger = world.ledger
    record = replace(stored, parameters=too_large(), digest=old.digest(()))
    ledger._put(ledger._partition(record.factory), record, encode_record(record))
    assert world.services.submitter.submit(old).replayed
    assert world.services.preview.preview(old).earlier is not None


def test_a_run_at_the_limit_can_be_rerun(world: World) -> None:
    """The additional fields of a rerun take nothing of the room."""
    empty = len(json.dumps([{"n": ""}, [], "c", {}, []], separators=(",", ":")))
    run = world.submit(parameters={"n": "x" * (MAX_REQUEST_CHARS - empty)}, correlation_id="c").record
    world.factory.finish(run.run_id, "Failed")
    world.tick(after=15)
    assert world.rerun(mode="fromFailure", by="a" * 256, note="n" * 1024).record.attempt == 2


def test_a_large_request_and_its_long_end_are_published(world: World) -> None:
    """It is as large as may be read, with as many long reasons as are kept: the run's end is still published."""
    run = world.submit(parameters={"n": "ü" * ((MAX_REQUEST_CHARS - 50) // 6)}).record
    error = {"errorCode": "\U0010ffff" * 300, "message": "\U0010ffff" * 2_000, "failureType": "UserError"}
    failed = [{"activityName": "a", "activityType": "Copy", "status": "Failed", "error": error}] * 20
    world.factory.finish(run.run_id, "Failed", message="\U0010ffff" * 2_000, failed=failed)
    world.tick(after=15)
    (event,) = world.outbox.events
    assert (event.data.status, event.data.truncated) == ("Failed", True)


@pytest.mark.parametrize("note", ["y" * 1024, "\U0001f600" * 1024, None])
def test_rejections_that_share_a_key_leave_room_for_the_next(world: World, note: str | None) -> None:
    """However often a rerun is rejected under its key, and whatever is noted with it, its end is published."""
    first = world.submit(parameters={"n": "ü" * ((MAX_REQUEST_CHARS - 50) // 6)}).record
    world.factory.finish(first.run_id, "Failed")
    world.tick(after=15)
    for _ in range(60):
        world.factory.fail_next("create_run", BadRequest("\U0001f600" * 4_000, status=400))
        with pytest.raises(BadRequest):
            world.rerun(by="ann", note=note)
        world.tick(after=15)
    rerun = world.rerun(by="ann", note="the last one").record
    assert [(each.action, each.note) for each in rerun.history][-1] == ("rerun", "the last one")
    assert rerun.history[0].action == "truncated"
    world.factory.finish(rerun.run_id, "Failed", message="m" * 1_000)
    world.tick(after=15)
    assert world.outbox.events[-1].id == f"{rerun.run_id}/Failed"
    assert isinstance(rerun.run_id, UUID)

"""What every ledger keeps to. A subclass gives the `ledger`; pytest runs the claims on it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from string import ascii_letters, digits
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest

from adf_trigger.errors import InvalidRequest, LedgerConflict
from adf_trigger.ledger.encoding import MAX_RECORD_CHARS, RecordTooLarge
from adf_trigger.ledger.port import Cursor, Ledger, RunPage, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_full_record, a_record

T = TypeVar("T")

THREADS = 16
LEGAL_KEYS = [
    "a",
    ".",
    "..",
    "-:._",
    "when.run:active-id",
    ascii_letters + digits + "._:-",
    "0" * 128,
    "z" * 128,
]
ILLEGAL_KEYS = ["", "a" * 129, "a|b", "a/b", "a b", "a\n", "ä", "a%2Fb", "a'b", "#", "?", "\\", "\x00"]


def told(record: RunRecord, minutes: int = 0) -> RunRecord:
    """The record after its event was sent."""
    return replace(record, state=RunState.TOLD, told_at=NOON + minutes * MINUTE)


def at_once(work: Callable[[int], T], times: int = THREADS) -> list[T]:
    """What a piece of work gives, done in as many threads at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, range(times)))


def all_pages(ledger: Ledger, factory: str, limit: int) -> list[RunPage]:
    """Every page of the listing."""
    pages = [ledger.runs(factory, since=None, limit=limit, continuation=None)]
    while pages[-1].continuation is not None:
        pages.append(ledger.runs(factory, since=None, limit=limit, continuation=pages[-1].continuation))
    return pages


def names(records: Sequence[RunRecord] | Sequence[ActiveRun]) -> list[str]:
    """The request ids of records or active rows."""
    return [record.request_id for record in records]


def leaves_no_trace(ledger: Ledger, record: RunRecord) -> bool:
    """Whether nothing of a record can be found by any way in."""
    return (
        ledger.get(record.factory, record.request_id) is None
        and all(ledger.find(record.factory, run_id) is None for run_id in record.run_ids)
        and record.request_id not in names(ledger.active(record.factory))
        and record.request_id not in names(listed(ledger, record.factory))
    )


def listed(ledger: Ledger, factory: str) -> Sequence[RunRecord]:
    """The first page of the listing."""
    return ledger.runs(factory, since=None, limit=100, continuation=None).records


class LedgerContract:
    """The claims, each on a factory of its own."""

    @pytest.fixture
    def ledger(self) -> Ledger:
        """The ledger under test; the subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def factory(self) -> str:
        """A factory that no other test has."""
        return a_factory()

    def test_the_first_claim_of_a_key_creates_the_record(self, ledger: Ledger, factory: str) -> None:
        """A claim of a free key puts the record into the ledger and says so."""
        record = a_record(factory)
        claim = ledger.claim(record)
        assert claim.created
        assert claim.stored.record == record
        assert ledger.get(factory, record.request_id) == claim.stored

    def test_a_repeated_claim_finds_the_earlier_record(self, ledger: Ledger, factory: str) -> None:
        """A claim of a taken key changes nothing and gives the record that has it."""
        first = ledger.claim(a_record(factory))
        second = ledger.claim(a_record(factory, digest="d2", requested_at=NOON + MINUTE))
        assert not second.created
        assert second.stored == first.stored
        assert ledger.active(factory) == [ActiveRun.of(first.stored.record)]
        assert listed(ledger, factory) == [first.stored.record]

    def test_the_very_same_claim_is_created_once(self, ledger: Ledger, factory: str) -> None:
        """A caller that repeats a claim with the runId of the first is told that it was there."""
        record = a_record(factory)
        assert ledger.claim(record).created
        assert not ledger.claim(record).created

    def test_every_field_of_a_record_is_kept(self, ledger: Ledger, factory: str) -> None:
        """A record with every field set comes back as it was, and no field has been left out of the test."""
        record = a_full_record(factory)
        plain = a_record(factory)
        given = {"factory", "request_id", "pipeline", "digest", "requested_at"}
        assert not [
            f.name
            for f in fields(RunRecord)
            if f.name not in given and getattr(record, f.name) == getattr(plain, f.name)
        ]
        ledger.claim(record)
        found = ledger.get(factory, record.request_id)
        assert found is not None
        assert found.record == record

    def test_a_key_belongs_to_its_factory(self, ledger: Ledger, factory: str) -> None:
        """The same key in another factory, even with the same runId, is another request."""
        record = a_record(factory)
        elsewhere = replace(record, factory=a_factory())
        assert ledger.claim(record).created
        assert ledger.claim(elsewhere).created
        assert names(ledger.active(factory)) == [record.request_id]
        assert listed(ledger, elsewhere.factory) == [elsewhere]

    def test_a_factory_is_the_same_in_every_case(self, ledger: Ledger, factory: str) -> None:
        """Resource ids that differ in case alone name one factory."""
        record = a_record(factory)
        ledger.claim(record)
        assert not ledger.claim(replace(record, factory=factory.upper())).created
        assert ledger.find(factory.lower(), record.run_id) is not None

    def test_keys_that_differ_in_case_are_two_keys(self, ledger: Ledger, factory: str) -> None:
        """`Load` and `load` are two requests."""
        assert ledger.claim(a_record(factory, "Load")).created
        assert ledger.claim(a_record(factory, "load")).created
        assert names(listed(ledger, factory)) == ["Load", "load"]

    @pytest.mark.parametrize("key", LEGAL_KEYS)
    def test_every_legal_key_works_everywhere(self, ledger: Ledger, factory: str, key: str) -> None:
        """A record under any legal key is found, listed, saved and released."""
        stored = ledger.claim(a_record(factory, key)).stored
        assert ledger.get(factory, key) == stored
        assert ledger.find(factory, stored.record.run_id) == stored
        assert names(ledger.active(factory)) == [key]
        assert names(listed(ledger, factory)) == [key]
        saved = ledger.save(stored, replace(stored.record, attempts=1))
        ledger.release(saved)
        assert leaves_no_trace(ledger, saved.record)

    @pytest.mark.parametrize("key", ILLEGAL_KEYS)
    def test_an_illegal_key_is_refused_and_names_nothing(
        self, ledger: Ledger, factory: str, key: str
    ) -> None:
        """What cannot be a key is refused as a request and not found as a record."""
        with pytest.raises(InvalidRequest):
            ledger.claim(a_record(factory, key))
        assert ledger.get(factory, key) is None

    def test_a_run_id_has_one_request(self, ledger: Ledger, factory: str) -> None:
        """A claim with the runId of another request loses whole."""
        first = ledger.claim(a_record(factory, "first")).stored
        second = a_record(factory, "second", run_id=first.record.run_id)
        with pytest.raises(LedgerConflict):
            ledger.claim(second)
        assert ledger.get(factory, "second") is None
        assert names(listed(ledger, factory)) == ["first"]
        assert ledger.find(factory, first.record.run_id) == first

    def test_of_claims_at_once_one_creates(self, ledger: Ledger, factory: str) -> None:
        """Sixteen threads that claim one key get one record, which one of them has created."""
        claims = at_once(lambda n: ledger.claim(a_record(factory, digest=f"d{n}")))
        assert [claim.created for claim in claims].count(True) == 1
        assert len({claim.stored.record.run_id for claim in claims}) == 1
        assert len(ledger.active(factory)) == 1

    def test_claims_of_different_keys_do_not_disturb_each_other(self, ledger: Ledger, factory: str) -> None:
        """Sixteen threads that claim a key each all create their record."""
        claims = at_once(lambda n: ledger.claim(a_record(factory, f"load-{n}")))
        assert all(claim.created for claim in claims)
        assert len(ledger.active(factory)) == len(listed(ledger, factory)) == THREADS

    def test_large_parameters_are_kept(self, ledger: Ledger, factory: str) -> None:
        """60 KiB of text outside the basic plane comes back whole."""
        parameters = {
            "text": "\U0001f600" * (60 * 1024 // 4),
            "quotes": '"\\' * 5000,
            "control": "\x00\x7f\n",
        }
        stored = ledger.claim(a_record(factory, parameters=parameters)).stored
        found = ledger.get(factory, stored.record.request_id)
        assert found is not None
        assert found.record.parameters == parameters

    def test_a_record_of_the_largest_size_is_kept(self, ledger: Ledger, factory: str) -> None:
        """A record just below the limit is kept, however many properties it takes."""
        parameters = {"text": "x" * (MAX_RECORD_CHARS - 2000)}
        stored = ledger.claim(a_record(factory, parameters=parameters)).stored
        saved = ledger.save(stored, replace(stored.record, attempts=1))
        assert ledger.get(factory, saved.record.request_id) == saved

    def test_a_record_may_become_shorter(self, ledger: Ledger, factory: str) -> None:
        """Nothing of a long record is left behind when a short one is saved in its place."""
        stored = ledger.claim(a_record(factory, message="x" * 100_000)).stored
        saved = ledger.save(stored, replace(stored.record, message=None))
        assert ledger.get(factory, saved.record.request_id) == saved

    def test_what_is_too_large_is_refused_with_a_reason(self, ledger: Ledger, factory: str) -> None:
        """A request that cannot be kept is the caller's fault; a result that cannot be kept is ours."""
        large = {"text": "x" * MAX_RECORD_CHARS}
        with pytest.raises(InvalidRequest, match="too large"):
            ledger.claim(a_record(factory, parameters=large))
        assert listed(ledger, factory) == []
        stored = ledger.claim(a_record(factory)).stored
        with pytest.raises(RecordTooLarge, match="too large"):
            ledger.save(stored, replace(stored.record, message="x" * MAX_RECORD_CHARS))
        assert ledger.get(factory, stored.record.request_id) == stored

    def test_infinity_is_not_changed_into_null(self, ledger: Ledger, factory: str) -> None:
        """A parameter that JSON has no word for comes back as it was taken."""
        ledger.claim(a_record(factory, "inf", parameters={"limit": float("inf")}))
        found = ledger.get(factory, "inf")
        assert found is not None
        assert found.record.parameters == {"limit": float("inf")}

    def test_a_save_is_seen_by_every_way_in(self, ledger: Ledger, factory: str) -> None:
        """Record, run, active row and listing all show what was saved."""
        stored = ledger.claim(a_record(factory)).stored
        record = replace(
            stored.record,
            state=RunState.SUBMITTED,
            status="InProgress",
            lease_until=NOON + MINUTE,
            not_before=NOON,
            last_seen_at=NOON,
        )
        saved = ledger.save(stored, record)
        assert saved.record == record
        assert ledger.get(factory, record.request_id) == saved
        assert ledger.find(factory, record.run_id) == saved
        assert ledger.active(factory) == [ActiveRun.of(record)]
        assert listed(ledger, factory) == [record]

    def test_a_save_on_what_has_changed_loses_whole(self, ledger: Ledger, factory: str) -> None:
        """The second of two saves from one reading raises and writes nothing, its active row included."""
        stored = ledger.claim(a_record(factory)).stored
        winner = ledger.save(stored, replace(stored.record, attempts=1))
        with pytest.raises(LedgerConflict):
            ledger.save(stored, replace(told(stored.record), run_id=uuid4()))
        assert ledger.get(factory, stored.record.request_id) == winner
        assert ledger.active(factory) == [ActiveRun.of(winner.record)]

    def test_a_save_on_what_is_gone_loses(self, ledger: Ledger, factory: str) -> None:
        """A record that was released does not come back by a save."""
        stored = ledger.claim(a_record(factory)).stored
        ledger.release(stored)
        with pytest.raises(LedgerConflict):
            ledger.save(stored, replace(stored.record, attempts=1))
        assert leaves_no_trace(ledger, stored.record)

    def test_no_save_at_once_is_lost(self, ledger: Ledger, factory: str) -> None:
        """Forty-eight increments from sixteen threads, each repeated until it wins, make forty-eight."""
        ledger.claim(a_record(factory, "count"))

        def increment(_: int) -> None:
            while True:
                stored = ledger.get(factory, "count")
                assert stored is not None
                try:
                    ledger.save(stored, replace(stored.record, attempts=stored.record.attempts + 1))
                except LedgerConflict:
                    continue
                return

        at_once(increment, times=48)
        counted = ledger.get(factory, "count")
        assert counted is not None
        assert counted.record.attempts == 48

    def test_a_told_record_is_not_active(self, ledger: Ledger, factory: str) -> None:
        """Telling takes the active row away and leaves the record, the run and the listing."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, told(stored.record))
        assert ledger.active(factory) == []
        assert ledger.find(factory, stored.record.run_id) == saved
        assert listed(ledger, factory) == [saved.record]

    def test_a_told_record_can_be_saved_again(self, ledger: Ledger, factory: str) -> None:
        """A later save of a told record neither fails for want of an active row nor makes one."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        saved = ledger.save(stored, replace(stored.record, message="told twice"))
        assert ledger.get(factory, saved.record.request_id) == saved
        assert ledger.active(factory) == []

    def test_an_adopted_run_is_found_by_every_run_id(self, ledger: Ledger, factory: str) -> None:
        """A changed runId moves the active row; the chosen one still leads to the record."""
        stored = ledger.claim(a_record(factory)).stored
        chosen, adopted, last = stored.record.run_id, uuid4(), uuid4()
        stored = ledger.save(stored, replace(stored.record, run_id=adopted, state=RunState.SUBMITTED))
        assert stored.record.run_ids == (chosen, adopted)
        stored = ledger.save(stored, replace(stored.record, run_id=last))
        assert stored.record.run_ids == (chosen, adopted, last)
        assert [run.run_id for run in ledger.active(factory)] == [last]
        for run_id in (chosen, adopted, last):
            assert ledger.find(factory, run_id) == stored

    def test_a_run_id_may_come_back(self, ledger: Ledger, factory: str) -> None:
        """A record may return to a runId that it had before."""
        stored = ledger.claim(a_record(factory)).stored
        chosen, adopted = stored.record.run_id, uuid4()
        stored = ledger.save(stored, replace(stored.record, run_id=adopted))
        stored = ledger.save(stored, replace(stored.record, run_id=chosen))
        assert stored.record.run_ids == (adopted, chosen)
        assert [run.run_id for run in ledger.active(factory)] == [chosen]
        assert ledger.find(factory, adopted) == ledger.find(factory, chosen) == stored

    def test_a_run_id_that_comes_with_the_last_step_is_kept(self, ledger: Ledger, factory: str) -> None:
        """A record that is told under another runId leaves no active row under the one before."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, replace(told(stored.record), run_id=uuid4()))
        assert ledger.active(factory) == []
        assert ledger.find(factory, saved.record.run_id) == saved

    def test_the_run_of_another_request_is_not_adopted(self, ledger: Ledger, factory: str) -> None:
        """A save that takes another request's runId, present, former or told, loses whole."""
        other = ledger.claim(a_record(factory, "other")).stored
        former = other.record.run_id
        other = ledger.save(other, replace(other.record, run_id=uuid4()))
        other = ledger.save(other, told(other.record))
        mine = ledger.claim(a_record(factory, "mine")).stored
        for taken in (former, other.record.run_id):
            with pytest.raises(LedgerConflict):
                ledger.save(mine, replace(mine.record, run_id=taken))
            assert ledger.find(factory, taken) == other
        assert ledger.get(factory, "mine") == mine
        assert [run.run_id for run in ledger.active(factory)] == [mine.record.run_id]

    @pytest.mark.parametrize(
        "changes", [{"request_id": "other"}, {"factory": "/other"}, {"requested_at": NOON + MINUTE}]
    )
    def test_what_names_a_record_never_changes(
        self, ledger: Ledger, factory: str, changes: dict[str, Any]
    ) -> None:
        """A save that would change a record's key, factory or time of arrival is a fault of the program."""
        stored = ledger.claim(a_record(factory)).stored
        with pytest.raises(ValueError, match="record"):
            ledger.save(stored, replace(stored.record, **changes))
        assert ledger.get(factory, stored.record.request_id) == stored

    def test_a_released_key_is_free(self, ledger: Ledger, factory: str) -> None:
        """A release takes every row away, those of former runIds included, and the key may be claimed again."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, replace(stored.record, run_id=uuid4()))
        ledger.release(stored)
        assert leaves_no_trace(ledger, stored.record)
        assert ledger.claim(replace(stored.record, former_run_ids=())).created

    def test_a_release_on_what_has_changed_loses(self, ledger: Ledger, factory: str) -> None:
        """A record that somebody has saved since is not released, and one that is gone not again."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, replace(stored.record, attempts=1))
        with pytest.raises(LedgerConflict):
            ledger.release(stored)
        assert ledger.get(factory, stored.record.request_id) == saved
        ledger.release(saved)
        with pytest.raises(LedgerConflict):
            ledger.release(saved)

    def test_of_releases_at_once_one_wins(self, ledger: Ledger, factory: str) -> None:
        """Of sixteen threads that release one record, one does."""
        stored = ledger.claim(a_record(factory)).stored

        def release(_: int) -> bool:
            try:
                ledger.release(stored)
            except LedgerConflict:
                return False
            return True

        assert at_once(release).count(True) == 1

    def test_a_reclaimed_key_has_the_new_record_alone(self, ledger: Ledger, factory: str) -> None:
        """A reclaim puts all rows of the new record in the place of all rows of the old one."""
        old = ledger.claim(a_record(factory)).stored
        old = ledger.save(old, replace(old.record, run_id=uuid4()))
        old = ledger.save(old, told(old.record))
        new = a_record(factory, requested_at=NOON + 5 * MINUTE, digest="d2")
        stored = ledger.reclaim(old, new)
        assert stored.record == new
        assert ledger.get(factory, new.request_id) == stored
        assert ledger.find(factory, new.run_id) == stored
        assert [ledger.find(factory, run_id) for run_id in old.record.run_ids] == [None, None]
        assert ledger.active(factory) == [ActiveRun.of(new)]
        assert listed(ledger, factory) == [new]

    def test_a_reclaim_on_what_has_changed_loses_whole(self, ledger: Ledger, factory: str) -> None:
        """Of two reclaims from one reading the second leaves nothing of its record."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        winner = ledger.reclaim(stored, a_record(factory, digest="d2"))
        loser = a_record(factory, digest="d3", requested_at=NOON + MINUTE)
        with pytest.raises(LedgerConflict):
            ledger.reclaim(stored, loser)
        assert ledger.find(factory, loser.run_id) is None
        assert listed(ledger, factory) == [winner.record]

    def test_a_reclaim_takes_no_other_request(self, ledger: Ledger, factory: str) -> None:
        """A reclaim neither moves to another key nor takes another request's runId."""
        other = ledger.claim(a_record(factory, "other")).stored
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        with pytest.raises(ValueError, match="same request"):
            ledger.reclaim(stored, a_record(factory, "elsewhere"))
        with pytest.raises(LedgerConflict):
            ledger.reclaim(stored, a_record(factory, run_id=other.record.run_id))
        assert ledger.get(factory, stored.record.request_id) == stored

    def test_active_runs_come_in_order_of_arrival(self, ledger: Ledger, factory: str) -> None:
        """What came first is looked at first, however the keys and runIds sort."""
        for name, minutes in (("b", 2), ("c", 0), ("a", 1)):
            ledger.claim(a_record(factory, name, requested_at=NOON + minutes * MINUTE))
        assert names(ledger.active(factory)) == ["c", "a", "b"]

    def test_runs_are_listed_newest_first(self, ledger: Ledger, factory: str) -> None:
        """The listing has the latest request first, those of one instant by their key."""
        for name, minutes in (("b", 0), ("a", 0), ("late", 1), ("early", -1)):
            ledger.claim(a_record(factory, name, requested_at=NOON + minutes * MINUTE))
        assert names(listed(ledger, factory)) == ["late", "a", "b", "early"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 100])
    def test_pages_have_every_run_once(self, ledger: Ledger, factory: str, limit: int) -> None:
        """Pages of any size give all records in order, each full but the last, which has no continuation."""
        for n in range(6):
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + (n // 2) * MINUTE))
        pages = all_pages(ledger, factory, limit)
        assert [name for page in pages for name in names(page.records)] == [
            f"load-{n}" for n in (4, 5, 2, 3, 0, 1)
        ]
        assert all(len(page.records) == limit for page in pages[:-1])
        assert 1 <= len(pages[-1].records) <= limit

    def test_what_arrives_while_paging_disturbs_no_page(self, ledger: Ledger, factory: str) -> None:
        """A request that arrives, and one that goes, between two pages neither repeats nor hides another."""
        stored = [
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE)).stored
            for n in range(5)
        ]
        first = ledger.runs(factory, since=None, limit=2, continuation=None)
        ledger.claim(a_record(factory, "newer", requested_at=NOON + 9 * MINUTE))
        ledger.release(stored[3])
        ledger.release(stored[1])
        second = ledger.runs(factory, since=None, limit=2, continuation=first.continuation)
        assert names(first.records) + names(second.records) == ["load-4", "load-3", "load-2", "load-0"]

    def test_since_is_a_lower_bound_that_is_included(self, ledger: Ledger, factory: str) -> None:
        """The listing stops before the first request that is older than asked for, on every page."""
        for n in range(5):
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE))
        first = ledger.runs(factory, since=NOON + 2 * MINUTE, limit=2, continuation=None)
        second = ledger.runs(factory, since=NOON + 2 * MINUTE, limit=2, continuation=first.continuation)
        assert names(first.records) + names(second.records) == ["load-4", "load-3", "load-2"]
        assert second.continuation is None
        assert ledger.runs(factory, since=NOON + 5 * MINUTE, limit=2, continuation=None).records == []

    @pytest.mark.parametrize("continuation", ["x", "!", "ä", "d2hlbnw", "cnVufGE", "a" * 5000, "="])
    def test_a_continuation_that_is_not_ours_is_refused(
        self, ledger: Ledger, factory: str, continuation: str
    ) -> None:
        """What no page gave is a fault of the request."""
        with pytest.raises(InvalidRequest, match="continuation"):
            ledger.runs(factory, since=None, limit=10, continuation=continuation)

    def test_an_empty_factory_has_an_empty_page(self, ledger: Ledger, factory: str) -> None:
        """A factory without runs has one page with nothing on it."""
        assert ledger.runs(factory, since=None, limit=10, continuation=None) == RunPage([], None)

    def test_a_cursor_is_kept_for_each_factory(self, ledger: Ledger, factory: str) -> None:
        """A cursor starts empty, comes back as it was saved, and the last writer wins."""
        assert ledger.cursor(factory) == Cursor()
        cursor = Cursor(polled_until=NOON)
        ledger.save_cursor(factory, cursor)
        assert ledger.cursor(factory) == cursor
        ledger.save_cursor(factory, Cursor(polled_until=NOON + MINUTE))
        assert ledger.cursor(factory) == Cursor(polled_until=NOON + MINUTE)
        assert ledger.cursor(a_factory()) == Cursor()

    def test_the_cursor_is_no_run(self, ledger: Ledger, factory: str) -> None:
        """A cursor shows up neither among the active runs nor in the listing."""
        ledger.save_cursor(factory, Cursor(polled_until=NOON))
        assert ledger.active(factory) == []
        assert listed(ledger, factory) == []

    def test_purge_removes_what_was_told_before(self, ledger: Ledger, factory: str) -> None:
        """Told records go by the time they were told, the instant itself not included; others stay."""
        for name, minutes in (("long ago", 0), ("just before", 9), ("then", 10), ("after", 11)):
            stored = ledger.claim(a_record(factory, name.replace(" ", "-"))).stored
            ledger.save(stored, told(stored.record, minutes))
        ledger.claim(a_record(factory, "active"))
        assert ledger.purge(factory, told_before=NOON + 10 * MINUTE, limit=100) == 2
        assert sorted(names(listed(ledger, factory))) == ["active", "after", "then"]
        assert names(ledger.active(factory)) == ["active"]

    def test_purge_never_removes_what_is_not_told(self, ledger: Ledger, factory: str) -> None:
        """A record that has ended but is not told stays, however old it is."""
        for state in (RunState.ACCEPTED, RunState.SUBMITTED, RunState.ENDED):
            ledger.claim(a_record(factory, state.value, state=state, ended_at=NOON, told_at=NOON))
        assert ledger.purge(factory, told_before=NOON + 1_000_000 * MINUTE, limit=100) == 0
        assert len(ledger.active(factory)) == 3

    def test_purge_leaves_nothing_of_a_record(self, ledger: Ledger, factory: str) -> None:
        """All rows of a purged record go, those of former runIds included, and its key is free."""
        stored = ledger.claim(a_record(factory)).stored
        for _ in range(2):
            stored = ledger.save(stored, replace(stored.record, run_id=uuid4()))
        stored = ledger.save(stored, told(stored.record))
        assert ledger.purge(factory, told_before=NOON + MINUTE, limit=100) == 1
        assert leaves_no_trace(ledger, stored.record)
        assert ledger.claim(replace(stored.record, former_run_ids=())).created

    def test_purge_stops_at_its_limit_and_goes_on(self, ledger: Ledger, factory: str) -> None:
        """A purge removes no more than it may, and the next one removes the rest."""
        for n in range(5):
            stored = ledger.claim(a_record(factory, f"load-{n}")).stored
            ledger.save(stored, told(stored.record))
        removed = [ledger.purge(factory, told_before=NOON + MINUTE, limit=2) for _ in range(4)]
        assert removed == [2, 2, 1, 0]

    def test_purge_stays_in_its_factory(self, ledger: Ledger, factory: str) -> None:
        """A purge of one factory leaves the records of another."""
        stored = ledger.claim(a_record(factory)).stored
        ledger.save(stored, told(stored.record))
        assert ledger.purge(a_factory(), told_before=NOON + MINUTE, limit=100) == 0
        assert len(listed(ledger, factory)) == 1

    def test_purges_at_once_remove_each_record_once(self, ledger: Ledger, factory: str) -> None:
        """Two purges that overlap neither fail nor count a record twice."""
        for n in range(10):
            stored = ledger.claim(a_record(factory, f"load-{n}")).stored
            ledger.save(stored, told(stored.record))
        removed = at_once(lambda _: ledger.purge(factory, told_before=NOON + MINUTE, limit=100), times=4)
        assert sum(removed) == 10
        assert listed(ledger, factory) == []

    def test_what_is_unknown_is_not_found(self, ledger: Ledger, factory: str) -> None:
        """Keys and runIds that nobody claimed name nothing."""
        assert ledger.get(factory, "nobody") is None
        assert ledger.find(factory, UUID(int=0)) is None

    def test_a_ledger_that_can_be_read_is_healthy(self, ledger: Ledger) -> None:
        """The health check of a ledger that works raises nothing."""
        ledger.check()

    def test_a_reading_is_not_changed_by_what_its_reader_does(self, ledger: Ledger, factory: str) -> None:
        """Parameters that a reader changes in place stay as they were in the ledger."""
        ledger.claim(a_record(factory, "mine", parameters={"list": [1]}))
        first = ledger.get(factory, "mine")
        assert isinstance(first, Stored)
        first.record.parameters["list"].append(2)
        second = ledger.get(factory, "mine")
        assert second is not None
        assert second.record.parameters == {"list": [1]}

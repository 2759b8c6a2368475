"""What every ledger keeps to when its runs are listed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.listing import ListedRun, ListingPage, Question
from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.records import Held, RunRecord, Waits
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.run_end import RunEnd
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_record
from tests.contracts.ledger_steps import LedgerClaims

ALL = Question()
LEASE = timedelta(seconds=90)
FOUND = UUID(int=77)
WAITS = {
    Waits.ADMISSION: "line",
    Waits.JOINED: "joined",
    Waits.PIPELINE: "pipeline",
    Waits.CALLER: "caller",
}


def listing(ledger: Ledger, factory: str, question: Question = ALL, *, limit: int = 100) -> list[ListedRun]:
    """Everything that is shown, page by page."""
    return [entry.run for page in pages(ledger, factory, question, limit) for entry in page.entries]


def pages(ledger: Ledger, factory: str, question: Question, limit: int) -> Iterator[ListingPage]:
    """All pages."""
    after: str | None = ""
    while after is not None:
        page = ledger.listing(factory, question, after=after, limit=limit)
        assert len(page.entries) <= limit
        yield page
        assert page.read_to is None or page.read_to > after
        after = page.read_to


def life_of(record: RunRecord) -> Iterator[RunRecord]:
    """A record as each move of a run's life leaves it."""
    record = transitions.postpone(
        record, until=NOON + MINUTE, in_doubt_since=None, reason="the role\nis missing"
    )
    yield record
    record = transitions.lease_to_send(record, now=NOON + MINUTE, lease=LEASE)
    yield record
    record = transitions.doubt(record, until=NOON + 2 * MINUTE, reason="no answer", left_by=NOON + MINUTE)
    yield record
    record = transitions.submit(
        transitions.lease_to_send(record, now=NOON + 2 * MINUTE, lease=LEASE),
        run_id=FOUND,
        now=NOON + 2 * MINUTE,
    )
    yield record
    record = transitions.hand_over(record)
    yield record
    record = transitions.look(record, now=NOON + 3 * MINUTE)
    yield record
    for status in (RunStatus.IN_PROGRESS, "AWordOfTomorrow"):
        record = transitions.see(record, status=status, started_at=NOON + 2 * MINUTE, now=NOON + 4 * MINUTE)
        yield record
    record = transitions.miss(record, now=NOON + 5 * MINUTE)
    yield record
    end = RunEnd(
        status="Failed", ended_at=NOON + 6 * MINUTE, duration_ms=60_000, message="Operation on X failed"
    )
    record = transitions.end(record, end, now=NOON + 6 * MINUTE, lease=LEASE)
    yield record
    yield transitions.publish(record, now=NOON + 7 * MINUTE)


class ListingContract(LedgerClaims):
    """What is shown, in which order, and how far."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({}, None),
            *(({"waits_for": waits}, WAITS[waits]) for waits in Waits),
            ({"waits_for": Waits.ADMISSION, "held": Held(by="all", since=NOON)}, "hold"),
        ],
    )
    def test_what_a_request_waits_for_is_listed_until_it_has_ended(
        self, ledger: Ledger, factory: str, changes: dict[str, Any], said: str | None
    ) -> None:
        """Each kind by its word; a hold goes before the line in which the request stands as well."""
        stored = ledger.claim(a_record(factory, **changes)).stored
        assert [run.waits_for for run in listing(ledger, factory)] == [said]
        accepted = Question(statuses=frozenset({RunStatus.ACCEPTED}))
        assert [run.waits_for for run in listing(ledger, factory, accepted)] == [said]
        ledger.save(stored, transitions.reject(stored.record, reason="gone", now=NOON + MINUTE))
        assert [run.waits_for for run in listing(ledger, factory)] == [None]

    def test_a_list_shows_each_run_as_it_is(self, ledger: Ledger, factory: str) -> None:
        """After each move of its life, what a list shows is what its record says."""
        stored = ledger.claim(
            a_record(factory, correlation_id="order-17", requested_by="sue", metadata={"a": "b"})
        ).stored
        assert listing(ledger, factory) == [ListedRun.of(stored.record)]
        for record in life_of(stored.record):
            stored = ledger.save(stored, record)
            assert listing(ledger, factory) == [ListedRun.of(stored.record)]

    def test_it_is_found_by_its_status_in_every_state(self, ledger: Ledger, factory: str) -> None:
        """Asked by the status that it has it is there; asked by any other it is not."""
        stored = ledger.claim(a_record(factory)).stored
        for record in life_of(stored.record):
            stored = ledger.save(stored, record)
            for status in (*RunStatus, "AWordOfTomorrow"):
                found = listing(ledger, factory, Question(statuses=frozenset({status})))
                assert bool(found) is (status == record.status), (status, record.status)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 100])
    def test_pages_show_every_run_once_newest_first(self, ledger: Ledger, factory: str, limit: int) -> None:
        """Pages of any size, those of one instant by their key."""
        for n in range(6):
            stored = ledger.claim(
                a_record(factory, f"load-{n}", requested_at=NOON + (n // 2) * MINUTE)
            ).stored
            if n % 3 == 0:
                ledger.save(stored, transitions.reject(stored.record, reason="no", now=NOON))
        found = listing(ledger, factory, limit=limit)
        assert [run.request_id for run in found] == [f"load-{n}" for n in (4, 5, 2, 3, 0, 1)]

    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_what_is_asked_for_is_shown_and_nothing_else(
        self, ledger: Ledger, factory: str, limit: int
    ) -> None:
        """By status, pipeline in any case of letters, correlation id and time, one of them or all."""
        for n in range(12):
            record = a_record(
                factory,
                f"load-{n:02}",
                requested_at=NOON + n * MINUTE,
                pipeline="Load" if n % 2 else "copy",
                correlation_id="c-1" if n % 3 == 0 else None,
            )
            stored = ledger.claim(record).stored
            if n % 4 == 0:
                ledger.save(stored, transitions.park(stored.record, reason="why", now=NOON))

        def names(**asked: object) -> list[str]:
            question = Question(**asked)  # type: ignore[arg-type]  # what a question has
            return [
                run.request_id.removeprefix("load-")
                for run in listing(ledger, factory, question, limit=limit)
            ]

        unknown = frozenset({"Unknown"})
        assert names(pipeline="LOAD") == ["11", "09", "07", "05", "03", "01"]
        assert names(correlation_id="c-1") == ["09", "06", "03", "00"]
        assert names(statuses=unknown) == ["08", "04", "00"]
        assert names(statuses=frozenset({"Accepted"}), pipeline="copy") == ["10", "06", "02"]
        assert names(statuses=unknown, correlation_id="c-1", pipeline="copy") == ["00"]
        assert names(since=NOON + 9 * MINUTE) == ["11", "10", "09"]
        assert names(until=NOON + 2 * MINUTE) == ["01", "00"]
        assert names(since=NOON + 2 * MINUTE, until=NOON + 5 * MINUTE) == ["04", "03", "02"]
        assert names(since=NOON + 2 * MINUTE, until=NOON + 9 * MINUTE, statuses=unknown) == ["08", "04"]
        assert names(statuses=frozenset({"Accepted", "Queued"}), until=NOON + 4 * MINUTE) == [
            "03",
            "02",
            "01",
        ]
        assert names(pipeline="other") == []

    def test_what_arrives_and_goes_between_pages_disturbs_none(self, ledger: Ledger, factory: str) -> None:
        """A request that arrives, and one that goes, neither repeats nor hides another."""
        stored = [
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE)).stored
            for n in range(5)
        ]
        first = ledger.listing(factory, ALL, limit=2)
        ledger.claim(a_record(factory, "newer", requested_at=NOON + 9 * MINUTE))
        ledger.release(stored[3])
        ledger.release(stored[1])
        second = ledger.listing(factory, ALL, after=first.read_to or "", limit=2)
        shown = [entry.run.request_id for page in (first, second) for entry in page.entries]
        assert shown == ["load-4", "load-3", "load-2", "load-0"]

    def test_a_key_that_is_claimed_anew_is_shown_once_at_its_new_place(
        self, ledger: Ledger, factory: str
    ) -> None:
        """A rejected request gives way to the one that takes its key."""
        old = ledger.claim(a_record(factory)).stored
        old = ledger.save(old, transitions.reject(old.record, reason="no", now=NOON))
        old = ledger.save(old, transitions.publish(old.record, now=NOON))
        ledger.claim(a_record(factory, "between", requested_at=NOON + MINUTE))
        new = ledger.reclaim(old, a_record(factory, requested_at=NOON + 2 * MINUTE, digest="d2"))
        found = listing(ledger, factory)
        assert found[0] == ListedRun.of(new.record)
        assert [run.request_id for run in found] == [new.record.request_id, "between"]

    def test_a_key_of_any_characters_is_shown_at_its_place(self, ledger: Ledger, factory: str) -> None:
        """Also one that is too long for a key of storage, on pages that end in it."""
        names = ["a|b/c\\d#e?f%g", "ü" * 255, "🙂" * 120, "plain", "Plain"]
        for minutes, name in enumerate(names):
            ledger.claim(a_record(factory, name, requested_at=NOON + minutes * MINUTE))
        for question in (ALL, Question(statuses=frozenset({"Accepted"}))):
            found = listing(ledger, factory, question, limit=1)
            assert [run.request_id for run in found] == list(reversed(names))

    def test_what_is_purged_is_not_shown(self, ledger: Ledger, factory: str) -> None:
        """Its row goes with its record."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, transitions.reject(stored.record, reason="no", now=NOON))
        ledger.save(stored, transitions.publish(stored.record, now=NOON))
        assert ledger.purge(factory, published_before=NOON + MINUTE, limit=10) == 1
        assert listing(ledger, factory) == []

    def test_a_factory_shows_its_own_runs(self, ledger: Ledger, factory: str) -> None:
        """Whatever case its id is in; another's are not there, and nothing is no error."""
        stored = ledger.claim(a_record(factory)).stored
        assert listing(ledger, factory.upper()) == [ListedRun.of(stored.record)]
        assert listing(ledger, a_factory()) == []

    def test_a_record_that_goes_back_to_work_is_shown_so(self, ledger: Ledger, factory: str) -> None:
        """What has ended as Unknown and is found after all is active again."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, transitions.park(stored.record, reason="why", now=NOON))
        stored = ledger.save(stored, transitions.publish(stored.record, now=NOON))
        again = replace(
            transitions.submit(a_record(factory, run_id=stored.record.run_id), run_id=FOUND, now=NOON),
            rejections=0,
        )
        stored = ledger.save(stored, again)
        assert listing(ledger, factory) == [ListedRun.of(stored.record)]

"""The notes about runs of others: each app has its own, and concurrent writes of two hosts are not lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.service.other_runs.observing import (
    PREFIX,
    Doubt,
    Held,
    ObservationKeeper,
    ObservationProgress,
    Observed,
    doubt_name,
)
from tests.contracts.ledger_records import MINUTE, NOON, a_full_record, a_record
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import known_steps

FACTORY = "/factory"
PLACE = f"{PREFIX}place|app"


def keeper(notes: FaultyNotes | None = None, mark: str = "app") -> ObservationKeeper:
    """The keeper of an app."""
    return ObservationKeeper(notes or FaultyNotes(), mark, known_steps)


def kept(notes: FaultyNotes, *names: str, now: datetime = NOON, mark: str = "app") -> Observed:
    """What a host knows that has just read the notes, with these policies."""
    mine = keeper(notes, mark)
    return mine.keep_policies(FACTORY, mine.read(FACTORY), names, now)


def test_where_nothing_is_observed_nothing_is_noted() -> None:
    """No policy, no note."""
    notes = FaultyNotes()
    assert kept(notes) == Observed(since={}, place=None, held=[], doubts=[])
    assert notes.named(FACTORY, "") == []


def test_a_policy_applies_from_when_it_was_first_seen() -> None:
    """A later one applies from later; it begins where it was first noted, and what is read is what was kept."""
    notes = FaultyNotes()
    first = kept(notes, "load")
    assert first == Observed(since={"load": NOON}, place=ObservationProgress(NOON), held=[], doubts=[])
    second = kept(notes, "load", "*", now=NOON + MINUTE)
    assert second.since == {"load": NOON, "*": NOON + MINUTE}
    assert second.place == ObservationProgress(NOON)
    assert keeper(notes).read(FACTORY) == second


def test_a_policy_that_is_removed_is_forgotten_and_begins_again_later() -> None:
    """The last one takes the place and the held runs along; doubts belong to the requests, and stay."""
    notes = FaultyNotes()
    kept(notes, "load", "other")
    mine = keeper(notes)
    assert mine.hold(FACTORY, Held("load", NOON, NOON))
    mine.doubt(FACTORY, a_record(FACTORY, request_id="k"))
    assert kept(notes, "load", now=NOON + MINUTE).since == {"load": NOON}
    assert mine.read(FACTORY).since == {"load": NOON}
    gone = kept(notes)
    assert (gone.since, gone.place, gone.held) == ({}, None, [])
    left = mine.read(FACTORY)
    assert (left.since, left.place, left.held) == ({}, None, [])
    assert [doubt.request_id for doubt in left.doubts] == ["k"]
    again = kept(notes, "load", now=NOON + 2 * MINUTE)
    assert (again.since, again.place) == ({"load": NOON + 2 * MINUTE}, ObservationProgress(NOON + 2 * MINUTE))


def test_the_place_is_read_as_it_was_written() -> None:
    """It holds how far it has come, how far the history was searched, and how many were published."""
    notes = FaultyNotes()
    kept(notes, "load")
    for place in (
        ObservationProgress(NOON + MINUTE, "continuation", 7),
        ObservationProgress(NOON + MINUTE, None, 8),
    ):
        keeper(notes).move_on(FACTORY, place)
        assert keeper(notes).read(FACTORY).place == place


def test_a_place_of_the_version_before_is_read_and_written_under_the_new_name() -> None:
    """That version called the number of published runs `told`: the count continues from there."""
    notes = FaultyNotes()
    kept(notes, "load")
    notes.put(FACTORY, PLACE, {"until": NOON.isoformat(), "search": "continuation", "told": 7})
    place = keeper(notes).read(FACTORY).place
    assert place == ObservationProgress(NOON, "continuation", 7)
    keeper(notes).move_on(FACTORY, replace(place, published=8))
    note = notes.get(FACTORY, PLACE)
    assert note is not None
    assert note.value == {"until": NOON.isoformat(), "search": "continuation", "published": 8}


@pytest.mark.parametrize("more", [{}, {"search": 3, "told": "many"}, {"search": 3, "published": "many"}])
def test_a_place_of_another_version_counts_as_searched_whole_with_none_published(
    more: dict[str, object],
) -> None:
    """Only the instant is needed."""
    notes = FaultyNotes()
    kept(notes, "load")
    notes.put(FACTORY, PLACE, {"until": NOON.isoformat(), **more})
    assert keeper(notes).read(FACTORY).place == ObservationProgress(NOON, None, 0)


def test_two_apps_on_one_ledger_keep_apart_what_they_observe() -> None:
    """Only doubts are shared: any app may publish the runs."""
    notes = FaultyNotes()
    kept(notes, "load")
    assert keeper(notes).hold(FACTORY, Held("load", NOON, NOON))
    keeper(notes).doubt(FACTORY, a_record(FACTORY, request_id="k"))
    other = kept(notes, "load", now=NOON + MINUTE, mark="app-2")
    assert (other.since, other.place, other.held) == (
        {"load": NOON + MINUTE},
        ObservationProgress(NOON + MINUTE),
        [],
    )
    assert [doubt.request_id for doubt in other.doubts] == ["k"]
    assert kept(notes, "load").since == {"load": NOON}


def test_of_two_hosts_that_begin_concurrently_the_first_is_right() -> None:
    """Both read before either has written: the note of the first stands."""
    notes = FaultyNotes()
    slow = keeper(notes).read(FACTORY)
    kept(notes, "load")
    keeper(notes).keep_policies(FACTORY, slow, ["load"], NOON + MINUTE)
    read = keeper(notes).read(FACTORY)
    assert (read.since, read.place) == ({"load": NOON}, ObservationProgress(NOON))


def test_held_runs_are_changed_only_by_the_last_reader() -> None:
    """A host that comes late neither changes nor releases them."""
    notes = FaultyNotes()
    mine = keeper(notes)
    assert mine.hold(FACTORY, Held("Load", NOON, NOON + MINUTE))
    (first,) = mine.read(FACTORY).held
    assert (first.pipeline, first.since, first.doubted) == ("Load", NOON, NOON + MINUTE)
    assert not mine.hold(FACTORY, Held("LOAD", NOON, NOON))
    assert mine.hold(FACTORY, replace(first, since=NOON + MINUTE))
    assert not mine.hold(FACTORY, replace(first, since=NOON + 2 * MINUTE))
    mine.release(FACTORY, first)
    (second,) = mine.read(FACTORY).held
    assert second.since == NOON + MINUTE
    mine.release(FACTORY, second)
    assert mine.read(FACTORY).held == []
    mine.release(FACTORY, second)


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"doubted_from": NOON + MINUTE, "sent_at": NOON + 2 * MINUTE}, NOON + MINUTE),
        ({"doubted_from": None, "sent_at": NOON + 2 * MINUTE}, NOON + 2 * MINUTE),
        ({"doubted_from": None, "sent_at": None, "requested_at": NOON}, NOON),
    ],
)
def test_a_doubt_begins_with_the_first_call_that_may_have_started_a_run(
    changes: dict[str, Any], since: datetime
) -> None:
    """The instant is as early as it is known."""
    notes = FaultyNotes()
    record = replace(a_full_record(FACTORY), request_id="k\ud800", **changes)
    keeper(notes).doubt(FACTORY, record)
    (doubt,) = keeper(notes).read(FACTORY).doubts
    assert (doubt.request_id, doubt.pipeline, doubt.since) == ("k\ud800", record.pipeline, since)
    assert doubt.name == doubt_name("k\ud800")


def test_a_doubt_that_was_noted_again_stays() -> None:
    """The process that settles the earlier one has not seen it."""
    notes = FaultyNotes()
    mine, record = keeper(notes), a_record(FACTORY, request_id="k")

    def doubts() -> Sequence[Doubt]:
        return mine.read(FACTORY).doubts

    mine.doubt(FACTORY, record)
    (first,) = doubts()
    mine.doubt(FACTORY, record)
    mine.settle(FACTORY, first)
    (second,) = doubts()
    assert second.etag != first.etag
    mine.settle(FACTORY, second)
    assert doubts() == []


def test_a_conflict_of_one_note_does_not_stop_the_others() -> None:
    """A host that begins while another does, notes what that one has not."""
    notes = FaultyNotes()
    notes.before["put"] = [LedgerConflict("another host was first")]
    observed = kept(notes, "load")
    assert observed.since == {"load": NOON}
    assert keeper(notes).read(FACTORY).since == {"load": NOON}

"""What the health shows of holds: each with the number of requests that waited for it at the last tick."""

from typing import Any

import pytest

from adf_trigger.ledger.notes import Note
from adf_trigger.service.holds.summary import MOST_COUNTED, for_note, with_waiting

HOLD = {"factory": "default", "scope": "s-1", "pipeline": "load", "since": "2026-01-05T12:00:00+00:00"}


def tick(at: object, held: object) -> Note:
    """The note of a tick."""
    return Note("tick", {"at": at, "held": held}, "etag")


def waiting(*ticks: Note | None, **hold: Any) -> object:
    """How many requests wait for a hold, as the health shows it."""
    (shown,) = with_waiting([{**HOLD, **hold}], ticks)
    return shown["waiting"]


@pytest.mark.parametrize("turned", [False, True])
def test_the_later_of_two_ticks_counts(*, turned: bool) -> None:
    """It is the timer's own tick or the one that stands in for it."""
    early = tick("2026-01-05T12:01:00+00:00", {"default": {"s-1": 3}})
    late = tick("2026-01-05T12:02:00+00:00", {"default": {"s-1": 5, "s-2": 9}, "other": {"s-1": 7}})
    assert waiting(*((late, early) if turned else (early, late)), None) == 5
    assert waiting(early, late, factory="other") == 7


def test_a_hold_that_no_request_waits_for_shows_zero() -> None:
    """The last tick has counted none, of this scope or of this factory."""
    last = tick("2026-01-05T12:01:00+00:00", {"default": {"s-2": 3}})
    assert (waiting(last), waiting(last, factory="other")) == (0, 0)


@pytest.mark.parametrize(
    "ticks",
    [
        [],
        [None, None],
        [tick("2026-01-05T12:00:00+00:00", {"default": {"s-1": 3}})],
        [tick(None, {"default": {"s-1": 3}})],
        [tick("2026-01-05T12:01:00+00:00", None)],
        [tick("2026-01-05T12:01:00+00:00", [])],
        [tick("2026-01-05T12:01:00+00:00", {"default": []})],
        [tick("2026-01-05T12:01:00+00:00", {"default": {"s-1": "many"}})],
    ],
)
def test_where_no_tick_has_counted_since_no_number_is_shown(ticks: list[Note | None]) -> None:
    """The hold is younger than the last tick, or another version has written the note."""
    assert waiting(*ticks) is None


def test_every_other_field_of_a_hold_is_shown() -> None:
    """Its scope is left out, which is a name for machines."""
    (shown,) = with_waiting([HOLD], [])
    assert shown == {**{name: HOLD[name] for name in ("factory", "pipeline", "since")}, "waiting": None}


def test_the_note_of_a_tick_has_room_for_a_bounded_number_of_holds() -> None:
    """The counts of a factory's holds are added, and those that do not fit are left out."""
    counts = [("one", {"a": 1, "b": 2}), ("two", {"a": 4}), ("one", {"c": 3})]
    assert for_note(counts) == {"one": {"a": 1, "b": 2, "c": 3}, "two": {"a": 4}}
    many = for_note([("one", {str(number): 1 for number in range(MOST_COUNTED + 5)})])
    assert many == {"one": {str(number): 1 for number in range(MOST_COUNTED)}}

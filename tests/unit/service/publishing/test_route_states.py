"""What operators see of routes: which fail since when and why, and how many deliveries were given up lately."""

from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Note
from adf_trigger.service.publishing.route_states import (
    LISTED_FOR,
    ROUTE_STATES,
    RouteStates,
    listed_routes,
)
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import MovingClock, known_steps


class Bench:
    """The states that a process notes."""

    def __init__(self, notes: FaultyNotes | None = None) -> None:
        self.clock = MovingClock()
        self.notes = notes or FaultyNotes()
        self.states = RouteStates(self.notes, self.clock, known_steps)

    def listed(self, after: timedelta = timedelta(0)) -> list[dict[str, Any]]:
        """What the health lists, after a while."""
        notes = self.notes.named(APP_SCOPE, ROUTE_STATES)
        return [dict(each) for each in listed_routes(notes, self.clock.now + after)]

    def version(self, route: str = "finance") -> str | None:
        """The version of its note: each write changes it."""
        note = self.notes.get(APP_SCOPE, f"{ROUTE_STATES}{route}")
        return None if note is None else note.etag


def test_a_failing_route_is_listed_with_since_and_reason_until_it_accepts_again() -> None:
    """The first reason stays: a failure like the last one is not written."""
    bench = Bench()
    began = bench.clock.now.isoformat()
    bench.states.is_down("finance", "HTTP 503")
    written = bench.version()
    bench.clock.forward(60)
    bench.states.is_down("finance", "no answer")
    assert bench.version() == written
    assert bench.listed() == [{"route": "finance", "down": True, "since": began, "why": "HTTP 503"}]
    bench.states.is_up("finance")
    assert bench.listed() == []
    bench.clock.forward(60)
    bench.states.is_down("finance", "no answer")
    again = {"route": "finance", "down": True, "since": bench.clock.now.isoformat(), "why": "no answer"}
    assert bench.listed() == [again]


def test_a_route_that_accepts_costs_no_write() -> None:
    """This holds at first and later, though another process may have noted that it failed."""
    bench = Bench()
    bench.states.is_up("finance")
    assert bench.version() is None
    Bench(bench.notes).states.is_down("finance", "HTTP 503")
    fresh = Bench(bench.notes)
    fresh.states.is_down("finance", "no answer")
    assert [each["why"] for each in fresh.listed()] == ["HTTP 503"]
    fresh.states.is_up("finance")
    assert fresh.listed() == []
    written = fresh.version()
    fresh.states.is_up("finance")
    Bench(bench.notes).states.is_up("finance")
    assert fresh.version() == written


def test_deliveries_that_were_given_up_are_counted_and_listed_for_a_week() -> None:
    """The list has the time of the last one; a route that accepts again meanwhile is still listed."""
    bench = Bench()
    bench.states.has_given_up("finance")
    bench.clock.forward(60)
    bench.states.has_given_up("finance")
    given_up = {"route": "finance", "down": False, "givenUp": 2, "lastGivenUpAt": bench.clock.now.isoformat()}
    assert bench.listed() == [given_up]
    assert bench.listed(LISTED_FOR - timedelta(seconds=1)) == [given_up]
    assert bench.listed(LISTED_FOR) == []
    bench.states.is_down("finance", "HTTP 503")
    began = bench.clock.now.isoformat()
    assert bench.listed() == [{**given_up, "down": True, "since": began, "why": "HTTP 503"}]
    assert bench.listed(LISTED_FOR) == [{"route": "finance", "down": True, "since": began, "why": "HTTP 503"}]
    bench.states.is_up("finance")
    assert bench.listed() == [given_up]


def test_each_route_has_a_state_of_its_own() -> None:
    """The states are kept apart for any name."""
    bench = Bench()
    for route in ("a", "route|b"):
        bench.states.is_down(route, f"of {route}")
    bench.states.is_up("a")
    assert [(each["route"], each["why"]) for each in bench.listed()] == [("route|b", "of route|b")]


@pytest.mark.parametrize("error", [LedgerError("down"), LedgerConflict("another process was faster")])
def test_a_state_that_could_not_be_noted_is_noted_the_next_time(
    error: LedgerError, caplog: pytest.LogCaptureFixture
) -> None:
    """No delivery fails because of it."""
    bench = Bench()
    bench.notes.before["put"] = [error]
    bench.states.is_down("finance", "HTTP 503")
    assert bench.listed() == []
    (said,) = (vars(each) for each in caplog.records)
    assert (said["action"], said["route"], said["error"]) == (
        "route_not_noted",
        "finance",
        type(error).__name__,
    )
    bench.states.is_down("finance", "HTTP 503")
    assert len(bench.listed()) == 1


def test_two_concurrent_processes_overwrite_nothing_of_each_other() -> None:
    """The slower one does not overwrite the other's note."""
    bench = Bench()
    other, get = Bench(bench.notes), bench.notes.get

    def meanwhile(scope: str, name: str) -> Note | None:
        found = get(scope, name)
        bench.notes.get = get  # type: ignore[method-assign]
        other.states.has_given_up("finance")
        return found

    bench.notes.get = meanwhile  # type: ignore[method-assign]
    bench.states.is_down("finance", "HTTP 503")
    assert [each.get("givenUp") for each in bench.listed()] == [1]
    bench.states.is_down("finance", "HTTP 503")
    assert [(each["down"], each["givenUp"]) for each in bench.listed()] == [(True, 1)]

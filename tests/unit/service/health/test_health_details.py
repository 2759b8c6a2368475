"""The details of the health show everything that the notes of the timer hold, each under its own name."""

import asyncio
from typing import Any

import pytest

from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, HEALTH_NOTE, TICK_NOTE
from adf_trigger.service.health.health import Health, HealthReader
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE
from adf_trigger.service.publishing.route_states import ROUTE_STATES
from adf_trigger.settings.schedule import Schedule
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import START, MovingClock

AT = START.isoformat()
COMPONENTS = {"table": {"ok": False, "since": AT, "why": "HTTP 503"}}
HOLD = {"factory": "default", "scope": "s", "pipeline": "load", "since": "2026-01-01T00:00:00+00:00"}
HEALTH = {"at": AT, "components": COMPONENTS, "steadySince": AT, "warnings": ["another app differs"]}
TICK = {"at": AT, "seconds": 1.5, "held": {"default": {"s": 4}}}
STAND_IN = {"at": "2026-01-01T00:00:00+00:00", "seconds": 2.5}
LEDGER = {"id": "0a", "since": AT, "acknowledged": True}
DOWN = {"down": True, "since": AT, "why": "HTTP 503"}


def health(notes: FaultyNotes, **more: Any) -> Health:
    """The answer of an instance that has just started, however long the reading takes."""
    reader = HealthReader(notes, MovingClock(), Schedule("*/15 * * * * *"), seconds=lambda: 0.0, **more)
    return asyncio.run(reader.answer())


def written(**notes: dict[str, Any]) -> FaultyNotes:
    """Notes of the app with these names."""
    found = FaultyNotes()
    for name, value in notes.items():
        found.put(APP_SCOPE, name, value)
    return found


ALL: dict[str, dict[str, Any]] = {
    HEALTH_NOTE: HEALTH,
    TICK_NOTE: TICK,
    FALLBACK_NOTE: STAND_IN,
    LEDGER_NOTE: LEDGER,
    f"{ROUTE_STATES}finance": DOWN,
}


def test_every_note_is_shown() -> None:
    """Report, ticks, ledger, routes, holds and policies are each shown under their own name."""
    shown = health(written(**ALL), observed=lambda: [{"pipeline": "load"}], holds=lambda: [HOLD]).details
    assert {name: value for name, value in shown.items() if name not in ("events", "lines")} == {
        "observedAt": AT,
        "components": COMPONENTS,
        "unfinishedStrangers": [],
        "otherApps": ["another app differs"],
        "routes": [{"route": "finance", **DOWN}],
        "observed": [{"pipeline": "load"}],
        "holds": [{**{name: HOLD[name] for name in ("factory", "pipeline", "since")}, "waiting": 4}],
        "timer": TICK,
        "standIn": STAND_IN,
        "ledger": LEDGER,
    }


def test_without_notes_nothing_is_shown() -> None:
    """The ledger of the instance is empty."""
    shown = health(FaultyNotes()).details
    filled = {name: value for name, value in shown.items() if value and name != "events"}
    assert filled == {}


@pytest.mark.parametrize(
    ("routes", "listed"), [(None, ["finance"]), (["finance"], ["finance"]), (["other"], []), ([], [])]
)
def test_only_routes_of_the_settings_are_shown(routes: list[str] | None, listed: list[str]) -> None:
    """Notes of another app on the same ledger, or of an earlier version, are left out."""
    shown = health(written(**ALL), routes=routes).details
    assert [each["route"] for each in shown["routes"]] == listed


def test_a_failing_component_is_shown_with_since_and_reason() -> None:
    """The entry is for operators."""
    answer = health(written(**ALL))
    assert answer.status == "unavailable"
    (trouble,) = (each for each in answer.troubles if "table" in each.what)
    assert (trouble.since, "HTTP 503" in trouble.what) == (START, True)

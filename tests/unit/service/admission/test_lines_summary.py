"""What health shows of lines: how many requests wait in how many of them, as the last tick counted."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.records import ActiveRun, RunState, Waits
from adf_trigger.service.admission.summary import MOST_NOTED, LinesOf, last_lines, lines_for_note
from tests.support.admitted import a_world, found, start
from tests.support.holding import hold
from tests.support.world import World


def shown(world: World, what: str) -> Any:
    """One member of the health details."""
    world.services.health._read()
    return asyncio.run(world.services.health.answer()).details[what]


def lines(world: World) -> Any:
    """The lines, as health shows them."""
    return shown(world, "lines")


def test_health_counts_the_requests_that_wait_in_line() -> None:
    """It shows the number of lines, the longest one, and since when the first waits; nothing where none waits."""
    world = a_world()
    world.tick(after=30)
    assert lines(world) == []
    for customer in ("A", "B"):
        start(world, f"{customer}-runs", customer)
    start(world, "A-1", "A")
    begun = found(world, "A-1").requested_at
    world.clock.forward(10)
    start(world, "A-2", "A")
    start(world, "B-1", "B")
    world.tick(after=30)
    assert lines(world) == [
        {"factory": "default", "waiting": 3, "lines": 2, "longest": 2, "since": begun.isoformat()}
    ]


def test_a_held_request_is_counted_with_the_hold() -> None:
    """It is not counted a second time in its line."""
    world = a_world()
    start(world, "runs")
    hold(world)
    start(world, "held")
    world.tick(after=30)
    assert lines(world) == []
    (held,) = shown(world, "holds")
    assert held["waiting"] == 1


def test_a_factory_under_two_ids_is_one() -> None:
    """Its lines are added up; the first request of both is the first."""
    world = a_world()
    row = ActiveRun(
        request_id="a",
        run_id=uuid4(),
        state=RunState.ACCEPTED,
        requested_at=world.clock.now,
        waits_for=Waits.ADMISSION,
        places="p",
    )
    old = LinesOf.among([replace(row, requested_at=world.clock.now - timedelta(hours=1))])
    new = LinesOf.among([row, replace(row, places="q")])
    (noted,) = lines_for_note([("eu", old), ("eu", new), ("us", LinesOf())])
    since = (world.clock.now - timedelta(hours=1)).isoformat()
    assert noted == {"factory": "eu", "waiting": 3, "lines": 3, "longest": 1, "since": since}


def test_the_note_is_bounded() -> None:
    """It is bounded whatever the number of factories."""
    many = [(f"f{number:04}", LinesOf(waiting=1)) for number in range(MOST_NOTED + 1)]
    assert len(lines_for_note(many)) == MOST_NOTED


@pytest.mark.parametrize("value", [{}, {"lines": None}, {"lines": {"a": 1}}])
def test_a_note_of_another_version_shows_no_line(value: dict[str, Any]) -> None:
    """Neither does a missing one; of two ticks the later one counts."""
    note = Note("tick", {"at": "2026-01-05T12:02:00+00:00", **value}, "etag")
    early = Note("tick", {"at": "2026-01-05T12:01:00+00:00", "lines": [1]}, "etag")
    assert list(last_lines([early, note])) == []
    assert list(last_lines([None, None])) == []
    assert list(last_lines([early, None])) == [1]


def test_the_log_shows_what_a_new_request_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    """It shows its number in the line, and never the value of its key."""
    caplog.set_level(logging.INFO)
    world = a_world()
    start(world, "runs", "contoso")
    start(world, "waits", "contoso")
    start(world, "secret", "contoso", parameters={"secret": "hush"})
    hold(world)
    start(world, "held", "contoso")
    said = {
        record.__dict__["request_id"]: (record.__dict__["waits_for"], record.__dict__["place_number"])
        for record in caplog.records
        if record.__dict__.get("action") == "request_waits"
    }
    assert said == {"waits": ("line", 1), "secret": ("caller", None), "held": ("hold", 2)}
    waits = [each.getMessage() for each in caplog.records if each.__dict__.get("action") == "request_waits"]
    assert not any("contoso" in each or "hush" in each for each in waits)

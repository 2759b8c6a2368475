"""The health shows of observed pipelines since when they are observed, how far that has come, and what is held."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.support.memory_factory import LOST_REPLY
from tests.support.other_runs import ended, with_policy, world_of
from tests.support.world import START, World


def observed(world: World) -> Any:
    """What `GET /health/details` says of it."""
    world.services.health._read()
    return asyncio.run(world.services.health.answer()).details["observed"]


def test_each_policy_shows_its_beginning_its_progress_and_how_many_were_published() -> None:
    """The sum outlives the process, and is also shown under its former name."""
    world = world_of()
    world.tick(after=15)
    (shown,) = observed(world)
    assert shown["factory"] == "default"
    assert shown["pipelines"] == [{"pipeline": "load", "observe": "topLevel", "since": START.isoformat()}]
    assert (shown["published"], shown["told"], shown["held"]) == (0, 0, [])
    for number in range(1, 4):
        ended(world)
        world.tick(after=15)
        world.tick(after=15)
        world.restart()
        (shown,) = observed(world)
        assert (shown["published"], shown["told"]) == (number, number)
    assert shown["readUntil"] == (world.clock() - timedelta(seconds=30)).isoformat()


def test_what_is_held_for_a_request_in_doubt_shows() -> None:
    """An operator sees why nothing is published."""
    world = world_of()
    world.factory.always["create_run"] = LOST_REPLY
    world.submit()
    world.tick(after=15)
    ended(world)
    world.tick(after=15)
    (shown,) = observed(world)
    (held,) = shown["held"]
    assert (held["pipeline"], held["inDoubtSince"]) == ("load", START.isoformat())
    assert shown["published"] == 0


def test_a_policy_that_is_gone_is_not_shown_and_costs_no_read() -> None:
    """Nothing is observed any more."""
    world = world_of()
    ended(world)
    world.tick(after=15)
    with_policy(world, {})
    before = world.notes.before.get("named", [])
    assert observed(world) == []
    assert world.notes.before.get("named", []) == before


def test_a_policy_that_no_tick_has_seen_yet_is_shown_without_an_instant() -> None:
    """It applies from the next tick on."""
    world = world_of(None)
    with_policy(world, {"*": {"observe": "all"}})
    (shown,) = observed(world)
    assert shown["pipelines"] == [{"pipeline": "*", "observe": "all", "since": None}]
    assert shown["readUntil"] is None

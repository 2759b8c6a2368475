"""A service whose requests join equal runs."""

from typing import Any

from adf_trigger.ledger.records import Waits
from tests.support.admitted import a_world, found, policy, start, with_policy
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import World

DAY = {"customer": "A", "day": "2026-11-26"}


def joining(at_once: int = 1, key: str | None = "parameters.customer", **more: Any) -> World:
    """A service whose requests join equal runs."""
    world = a_world(at_once, key, overflow="join", **more)
    world.factory.declare(
        "load",
        customer={"type": "String", "defaultValue": ""},
        day={"type": "String", "defaultValue": ""},
        secret={"type": "SecureString", "defaultValue": ""},
    )
    return world


def is_joined(world: World, key: str, to: str) -> bool:
    """Whether a request waits for the end of another one, and has started nothing."""
    record = found(world, key)
    joined = record.joined_to
    return record.waits_for is Waits.JOINED and joined is not None and joined.request_id == to


def published_ends(world: World) -> list[tuple[str | None, str]]:
    """The published requests, each with its final status."""
    return sorted((event.subject, event.data.status) for event in world.outbox.events)


def parked(*, started: bool = False) -> World:
    """A service with a request in doubt that is published as unknown later, and one that has joined it."""
    world = joining()
    world.settings = with_policy({**policy(overflow="join"), "unknownOutcome": "park"})
    world.restart()
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    start(world, "a-1")
    start(world, "a-2")
    assert is_joined(world, "a-2", "a-1")
    return world

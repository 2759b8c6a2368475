"""A request that came as a message and is rejected, directly or by the timer, is published exactly as it came."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import AdfTriggerError, BadRequest, NotSent, Unavailable
from adf_trigger.events.texts import original_body
from adf_trigger.messages.masking import MASK
from tests.support.memory_factory import LOST_REPLY
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

DAY = 24 * 3600.0
PLAIN = b' {"pipeline" : "load", "requestId":"k","parameters":{"n":1.0e0},"metadata":{"a":"\\u00fc"} }\r\n'


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline with a number and a password."""
    world = World()
    number = {"type": "Float", "defaultValue": 0}
    world.factory.declare("load", n=number, password={"type": "SecureString", "defaultValue": ""})
    return world


def refused_by_the_timer(world: World) -> None:
    """A request that could not be sent is refused when the timer sends it."""
    world.factory.always["create_run"] = BadRequest("it is wrong", status=400)
    world.tick(after=60)


def too_late(world: World) -> None:
    """The start deadline is over."""
    world.tick(after=DAY + 1)


def ended_by_a_doubt(world: World) -> None:
    """The request is shown not to have started, when it is too late to start it."""
    world.factory.always.clear()
    world.tick(after=DAY + 1)


@pytest.mark.parametrize("body", [PLAIN, base64.b64encode(PLAIN)], ids=["plain", "base64"])
@pytest.mark.parametrize(
    ("first", "end"),
    [
        (NotSent("no route"), refused_by_the_timer),
        (NotSent("no route"), too_late),
        (LOST_REPLY, ended_by_a_doubt),
        (BadRequest("it is wrong", status=400), lambda _: None),
    ],
    ids=["refused", "too late", "in doubt", "at once"],
)
def test_a_rejected_message_is_published_as_it_came(
    world: World, body: bytes, first: Exception, end: Callable[[World], None]
) -> None:
    """Its record, its copy and its replay have its very bytes, whatever they contain."""
    world.factory.always["create_run"] = first
    Caller(world).message(body)
    world.restart()
    end(world)
    world.tick(after=120)
    assert world.status("k") == "Rejected"
    assert [(kept.request_id, kept.body, kept.masked) for kept in world.kept()] == [("k", body, ())]
    assert [original_body(copy) for copy in world.outbox.rejected] == [body]
    assert published_names(world.outbox.events) == ["k/Rejected"]


def test_values_of_secure_parameters_are_left_out(world: World) -> None:
    """They are in no record, not even while the request waits; the record names the parameters."""
    world.factory.always["create_run"] = NotSent("no route")
    message = {"pipeline": "load", "requestId": "k", "parameters": {"PassWord": "hush-hush", "n": 1}}
    Caller(world).message(message)
    assert "hush-hush" not in repr(world.ledger._partitions)
    world.tick(after=DAY + 1)
    world.tick(after=60)
    (kept,) = world.kept()
    assert json.loads(kept.body) == {**message, "parameters": {"PassWord": MASK, "n": 1}}
    assert kept.masked == ("PassWord",)


def bytes_in(world: World) -> list[bytes]:
    """The messages that are kept with records."""
    partitions = world.ledger._partitions.values()
    return [body for partition in partitions for _, body, _ in partition.texts.values()]


@pytest.mark.parametrize("first", [None, NotSent("no route"), LOST_REPLY], ids=["at once", "later", "found"])
def test_nothing_of_the_message_stays_once_it_is_started(world: World, first: AdfTriggerError | None) -> None:
    """The ledger does not grow by bytes that can no longer be published."""
    if first is not None:
        world.factory.fail_next("create_run", first, after=first is LOST_REPLY)
    Caller(world).message(PLAIN)
    assert bytes_in(world) == [b"" if first is None else PLAIN]
    world.tick(after=60)
    world.tick(after=60)
    assert len(world.factory.runs) == 1
    assert bytes_in(world) == [b""]


@pytest.mark.parametrize("read", [True, False], ids=["Rejected", "Unknown"])
def test_nothing_of_the_message_stays_once_its_end_was_published(world: World, *, read: bool) -> None:
    """A rejected message has a record of its own; an unknown fate is decided by an operator."""
    world.factory.always["create_run"] = LOST_REPLY
    Caller(world).message(PLAIN)
    if not read:
        world.factory.always["*"] = Unavailable("down", status=503)
    world.tick(after=DAY + 1)
    world.tick(after=120)
    assert world.status("k") == ("Rejected" if read else "Unknown")
    assert bytes_in(world) == [b""]
    assert len(world.kept()) == read


def test_a_request_by_http_keeps_no_message(world: World) -> None:
    """It has none, and neither has its repeat by queue."""
    world.factory.always["create_run"] = NotSent("no route")
    world.submit("k", parameters={"n": 1.0}, metadata={"a": "ü"})
    Caller(world).message(PLAIN)
    assert bytes_in(world) == [b""]


def test_a_request_of_an_earlier_version_gets_a_new_message(world: World) -> None:
    """Its record has no bytes: the message is built from its fields."""
    world.factory.always["create_run"] = NotSent("no route")
    world.submit("k", parameters={"n": 1}, source=Source.QUEUE)
    stored = world.ledger.get(FACTORY_ID, "k")
    assert stored is not None
    assert replace(stored.record, came_as=None) == stored.record
    world.tick(after=DAY + 1)
    world.tick(after=60)
    (kept,) = world.kept()
    assert json.loads(kept.body) == {
        "pipeline": "load",
        "requestId": "k",
        "parameters": {"n": 1},
        "factory": "default",
    }

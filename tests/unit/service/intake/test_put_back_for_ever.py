"""A message that cannot be accepted ends at the start deadline; one whose event cannot be sent keeps its record."""

import json
from datetime import datetime, timedelta

import pytest

from adf_trigger.errors import LedgerError, NotSent, PublishError, Unavailable
from tests.support.news import published_names
from tests.support.world import START, World
from tests.unit.functions.conftest import Caller

HOUR = 3600.0


@pytest.fixture
def world() -> World:
    """A service whose factory is down, and has a pipeline that has not been read yet."""
    world = World()
    world.factory.declare("load", text={"type": "String", "defaultValue": ""})
    down(world)
    return world


def down(world: World) -> None:
    """Make every read of a pipeline fail."""
    world.factory.before["get_pipeline"] = [Unavailable("the region is down", status=503)] * 500


class Returned(bytes):
    """A message that was put back: when, and its time to live from then on."""

    put_at: datetime
    life: timedelta
    delay: float


def deliver(world: World, body: bytes | None, number: int) -> Returned | None:
    """Deliver a message once; returns what was put back of it."""
    assert body is not None
    if isinstance(body, Returned):
        Caller(world).message(bytes(body), message_id=f"m-{number}", inserted_at=body.put_at, life=body.life)
    else:
        Caller(world).message(body, message_id=f"m-{number}", inserted_at=world.clock.now)
    if not world.outbox.put_back_texts:
        return None
    text, delay = world.outbox.put_back_texts.pop()
    returned = Returned(text.encode())
    returned.put_at, returned.life, returned.delay = world.clock.now, world.outbox.lives.pop(), delay
    return returned


def circulate(world: World, body: bytes, *, every: float, most: int = 60) -> int:
    """Deliver a message and whatever is put back of it; returns after how many deliveries nothing was."""
    text: bytes | None = body
    for number in range(1, most):
        text = deliver(world, text, number)
        if text is None:
            return number
        world.clock.forward(every)
    pytest.fail("it is put back without end")


BODY = b'{"pipeline":"load","requestId":"k","parameters":{"text":"x"}}'


@pytest.mark.parametrize(
    ("body", "request_id"),
    [
        (BODY, "k"),
        (b'{"pipeline":"load","parameters":{"text":"x"}}', "m-1"),
        (b'{"pipeline":"load","parameters":{"text":"%s"}}' % (b"x" * 65_480), "m-1"),
    ],
    ids=["its own key", "no key", "no room for one"],
)
def test_a_message_that_cannot_be_accepted_ends_at_the_start_deadline(
    world: World, body: bytes, request_id: str
) -> None:
    """It is published once as Rejected, with the true reason; other processes continue where one has stopped."""
    deliveries = circulate(world, body, every=HOUR)
    assert deliveries == 26
    (event,) = world.outbox.events
    assert (event.data.request_id, event.data.status) == (request_id, "Rejected")
    assert "the region is down" in str(event.data.reason)
    (kept,) = world.kept()
    assert (kept.waiting, kept.request_id) == (False, request_id)
    assert len(world.outbox.rejected) == 1


def test_the_deadline_outlives_a_process(world: World) -> None:
    """The beginning of the wait follows from the expiry, so that nothing has to be kept of it."""
    text: bytes | None = BODY
    for number in range(1, 26):
        text = deliver(world, text, number)
        world.restart()
        world.clock.forward(HOUR)
    assert text == BODY
    assert world.kept() == []
    assert deliver(world, text, 26) is None
    assert published_names(world.outbox.events) == ["k/Rejected/m-26"]


def test_a_message_that_is_accepted_in_time_leaves_nothing_behind(world: World) -> None:
    """A later outage starts a new wait."""
    text = deliver(world, BODY, 1)
    world.factory.before.clear()
    assert deliver(world, text, 2) is None
    assert world.status("k") == "Queued"
    assert world.kept() == []
    assert world.outbox.events == []


def test_another_message_under_the_key_has_a_wait_of_its_own(world: World) -> None:
    """The same holds for an equal message that was away for long, such as a replay."""
    deliver(world, BODY, 1)
    world.clock.forward(25 * HOUR)
    assert deliver(world, BODY.replace(b'"x"', b'"y"'), 2) is not None
    assert deliver(world, BODY, 3) is not None


def test_an_outage_of_the_ledger_ends_at_the_start_deadline_too(world: World) -> None:
    """Nothing can be published while it lasts; afterwards, a message that has waited for longer is not started."""
    for method in ("claim", "get"):
        world.ledger.before[method] = [LedgerError("the table is away")] * 30
    world.factory.before.clear()
    text: bytes | None = BODY
    for number in range(1, 30):
        text = deliver(world, text, number)
        assert text == BODY
        world.clock.forward(HOUR)
    world.ledger.before.clear()
    assert deliver(world, text, 30) is None
    assert world.factory.runs == {}
    (event,) = world.outbox.events
    assert (event.id, event.data.status) == ("k/Rejected/m-30", "Rejected")
    assert "was not accepted" in str(event.data.reason)


def test_an_outage_of_the_ledger_that_ends_in_time_loses_nothing(world: World) -> None:
    """A request that was accepted before it is answered however late its message comes again."""
    world.factory.before.clear()
    Caller(world).message(BODY, inserted_at=world.clock.now)
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    text = deliver(world, BODY, 1)
    world.clock.forward(30 * HOUR)
    assert deliver(world, text, 2) is None
    assert (len(world.factory.runs), world.outbox.events) == (1, [])


def test_a_message_is_hidden_for_longer_each_time_it_is_put_back(world: World) -> None:
    """It is a tenth of the time that it has waited, ten minutes at most: thousands that wait cost little."""
    world.ledger.before["claim"] = [LedgerError("the table is away")] * 1_000
    world.factory.before.clear()
    text, delays = deliver(world, BODY, 0), list[float]()
    while text is not None and world.clock.now - START < timedelta(hours=23):
        delays.append(text.delay)
        world.clock.forward(text.delay)
        text = deliver(world, text, len(delays))
    assert delays[:10] == [30.0] * 10
    assert (delays == sorted(delays), delays[-1]) == (True, 600.0)
    assert len(delays) < 200


def test_a_message_that_returns_through_an_outage_of_the_ledger_is_answered_by_its_rejection(
    world: World,
) -> None:
    """The time of the first put counts, not that of the last: a rejected request is not attempted twice."""
    world.factory.before.clear()
    world.factory.declare("secret", password={"type": "SecureString"})
    world.factory.always["create_run"] = NotSent("no route")
    body = b'{"pipeline":"secret","requestId":"k","parameters":{"password":"hush"}}'
    text = deliver(world, body, 1)
    world.tick(after=25 * HOUR)
    world.tick(after=60)
    assert world.status("k") == "Rejected"
    world.factory.always.clear()
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    text = deliver(world, text, 2)
    world.clock.forward(60)
    assert deliver(world, text, 3) is None
    assert (world.status("k"), world.factory.runs) == ("Rejected", {})
    assert published_names(world.outbox.events) == ["k/Rejected"]


@pytest.mark.parametrize("poison", [False, True])
@pytest.mark.parametrize("body", [b"no JSON", b'{"surprise": 1}', b'{"requestId": "k", "surprise": 1}'])
def test_in_an_outage_of_the_events_a_message_keeps_its_one_record(
    world: World, body: bytes, *, poison: bool
) -> None:
    """The message that is put back stands for the record, so that all deliveries are published once, under one id."""
    caller = Caller(world)
    world.outbox.before = [PublishError("the events queue is away")]
    caller.message(body, poison=poison)
    for number in range(2, 5):
        ((text, delay),) = world.outbox.put_back_texts
        world.outbox.put_back_texts.clear()
        assert delay > 0
        if number < 4:
            world.outbox.before = [PublishError("the events queue is away")]
        caller.message(text.encode(), message_id=f"m-{number}")
    (kept,) = world.kept()
    assert (kept.body, kept.message_id, kept.waiting) == (body, "m-1", False)
    assert published_names(world.outbox.events) == [f"{kept.request_id}/Rejected/m-1"]
    assert [copy.record for copy in world.outbox.rejected] == [kept.key]
    shown = json.loads(caller.get("m-1").get_body())
    event = json.loads(world.outbox.events[0].data.model_dump_json())
    assert shown == {name: value for name, value in event.items() if name in shown}
    assert world.outbox.put_back_texts == []

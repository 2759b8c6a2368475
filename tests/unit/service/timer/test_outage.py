"""Long outages: acknowledged requests wait, and are started in order of arrival when the trouble is over."""

from collections.abc import Callable

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    CredentialError,
    LedgerError,
    NotSent,
    Throttled,
    Unavailable,
    UnknownOutcome,
)
from tests.support.world import FACTORY_ID, STARTED, World

pytestmark = pytest.mark.untraced

HOUR = 3600
KEYS = [f"key-{number}" for number in range(8)]


class Outage:
    """Fails every call of the factory until it is over."""

    def __init__(
        self, world: World, of_create_run: Callable[[], Exception], of_reads: Callable[[], Exception]
    ) -> None:
        self.world = world
        self._of_create_run = of_create_run
        self._of_reads = of_reads

    def last(self, seconds: float, step: float = 60) -> None:
        """Let the timer fire in the outage, and the app be deployed again in the middle of it."""
        for number in range(int(seconds / step)):
            self._fail_everything()
            self.world.tick(after=step)
            if number == int(seconds / step / 2):
                self.world.restart()

    def _fail_everything(self) -> None:
        before = self.world.factory.before
        before["create_run"] = [self._of_create_run() for _ in range(50)]
        for operation in ("get_run", "query_runs", "query_activity_runs", "get_pipeline"):
            before[operation] = [self._of_reads() for _ in range(50)]

    def end(self) -> None:
        """End the outage."""
        self.world.factory.before.clear()


def unavailable() -> Exception:
    """A read in an outage."""
    return Unavailable("down", status=503)


@pytest.mark.parametrize(
    ("of_create_run", "of_reads", "source"),
    [
        (
            lambda: Throttled("slow down", retry_after=30),
            lambda: Throttled("slow down", retry_after=30),
            Source.HTTP,
        ),
        (lambda: NotSent("no route"), unavailable, Source.HTTP),
        (lambda: CredentialError("no token"), lambda: CredentialError("no token"), Source.QUEUE),
        (lambda: UnknownOutcome("503", status=503), unavailable, Source.HTTP),
    ],
    ids=["throttled", "unreachable", "no tokens", "answered 503"],
)
def test_requests_of_an_outage_of_an_hour_are_all_started_once(
    of_create_run: Callable[[], Exception], of_reads: Callable[[], Exception], source: Source
) -> None:
    """Whatever fails for an hour, with a redeploy in its middle: every acknowledged request has its one run.

    Callers are asked to come again where no token is acquired; messages are accepted.
    """
    world = World()
    world.factory.declare("load")
    world.submit("teacher")
    outage = Outage(world, of_create_run, of_reads)
    for key in KEYS:
        outage.last(60)
        world.factory.before["get_pipeline"] = []
        assert world.submit(key, source=source).record.status == "Accepted"
    outage.last(HOUR)
    outage.end()
    for _ in range(20):
        world.tick(after=30)
    assert {world.status(key) for key in KEYS} <= STARTED
    assert len(world.factory.runs) == 1 + len(KEYS)


def test_waiting_requests_are_started_in_order_of_arrival() -> None:
    """A later request does not overtake an earlier one that waits."""
    world = World()
    world.factory.declare("load")
    outage = Outage(world, lambda: NotSent("no route"), unavailable)
    for key in KEYS:
        outage.last(37, step=37)
        world.factory.before["get_pipeline"] = []
        world.submit(key)
    outage.end()
    for _ in range(20):
        world.tick(after=7)
    started = [world.services.query.find(str(run_id)).request_id for run_id in world.factory.runs]
    assert started == KEYS


def test_rows_that_cannot_be_read_do_not_look_like_none() -> None:
    """A factory that is full stays so while it is not known whether requests wait for it."""
    world = World()
    world.factory.declare("load")
    world.factory.most_runs = 0
    world.submit()
    world.tick(after=1)
    state = world.services.states.of(FACTORY_ID)
    assert state is not None

    def away(_: str) -> None:
        raise LedgerError("away")

    active = world.ledger.active
    world.ledger.active = away  # type: ignore[method-assign, assignment]
    world.tick(after=60)
    world.ledger.active = active  # type: ignore[method-assign]
    assert world.services.states.of(FACTORY_ID) == state
    world.factory.most_runs = None
    world.tick(after=60)
    assert world.status() in STARTED
    assert world.services.states.of(FACTORY_ID) is None

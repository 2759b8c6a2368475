"""Hosts whose clocks are wrong, or are set while they run: what they write is valid for its time, and no longer."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adf_trigger.errors import Forbidden, PublishError, Throttled, UnknownOutcome
from adf_trigger.ledger.records import RunState
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT
from adf_trigger.service.health.health import HealthStatus
from adf_trigger.service.timer.fallback import CLAIMED_FOR, LOOK_EVERY
from tests.support.world import FACTORY_ID, START, STARTED, MovingClock, World

pytestmark = pytest.mark.untraced

MINUTE = 60.0
WRONG = (-12 * 60, -25, -10, 10, 25, 12 * 60)
"""Minutes that a clock is ahead."""
PERIOD = 15.0
SOON = 4 * MINUTE
"""Seconds: more than a lease, a claim, or what makes a tick overdue; less than any clock here is wrong by."""

wrong = pytest.mark.parametrize("minutes", WRONG)


class Hosts:
    """Hosts of one app, of which one has a wrong clock."""

    def __init__(self, minutes: float) -> None:
        self.right = World()
        self.right.factory.declare("load")
        self.wrong = self.another(minutes)
        self.all = [self.right, self.wrong]

    def another(self, minutes: float = 0.0) -> World:
        """One more host of the same app, whose clock is ahead."""
        host = World(
            ledger=self.right.ledger,
            declarations=self.right.declarations,
            notes=self.right.notes,
            rejected=self.right.rejected,
            outbox=self.right.outbox,
            clock=MovingClock(self.right.clock.now + timedelta(minutes=minutes), self.right.clock.passed),
        )
        host.factory.runs, host.factory.pipelines = self.right.factory.runs, self.right.factory.pipelines
        host.factory.clock = self.right.clock  # the service has its own, which is right
        return host

    def forward(self, seconds: float, *others: World) -> None:
        """Let time pass for all of them."""
        for host in {id(each): each for each in (*self.all, *others)}.values():
            host.clock.forward(seconds)


def _stands_in(host: World) -> bool:
    return host.services.fallback_ticker.run_if_overdue("http")


def _until(hosts: Hosts, *, within: float) -> Iterator[float]:
    """The seconds until hosts have reached a state, as they pass."""
    for number in range(1, int(within / PERIOD) + 1):
        hosts.forward(PERIOD)
        yield number * PERIOD


@wrong
def test_a_host_with_a_wrong_clock_ticks_once_at_most_beside_a_working_timer(minutes: float) -> None:
    """It sees that the timer ticks, whatever its own clock shows; a host with a right clock stands in for none."""
    hosts = Hosts(minutes)
    stood_in = {True: 0, False: 0}
    for _ in _until(hosts, within=20 * MINUTE):
        hosts.right.services.tick.run()
        for host in hosts.all:
            stood_in[host is hosts.right] += _stands_in(host)
    assert stood_in[True] == 0
    assert stood_in[False] <= 1


@wrong
def test_a_timer_with_a_wrong_clock_is_stood_in_for_once_at_most(minutes: float) -> None:
    """Its note has its clock's time; that the note is renewed can be seen."""
    hosts = Hosts(minutes)
    stood_in = 0
    for _ in _until(hosts, within=20 * MINUTE):
        hosts.wrong.services.tick.run()
        stood_in += _stands_in(hosts.right)
    assert stood_in <= 1


@wrong
def test_a_note_of_a_wrong_clock_prevents_no_stand_in(minutes: float) -> None:
    """Once timer and host are gone, another stands in as soon as if their clocks had been right."""
    hosts = Hosts(minutes)
    hosts.right.services.tick.run()
    hosts.forward(5 * MINUTE)
    assert _stands_in(hosts.right)
    assert any(_stands_in(hosts.wrong) for _ in _until(hosts, within=5 * MINUTE))
    fresh = hosts.another()
    hosts.all = [fresh]
    after = next(spent for spent in _until(hosts, within=60 * MINUTE) if _stands_in(fresh))
    assert after <= CLAIMED_FOR.total_seconds() + PERIOD


@wrong
def test_a_host_with_a_wrong_clock_stands_in_itself(minutes: float) -> None:
    """Where it is the only one left, no work waits for the other hosts' instants."""
    hosts = Hosts(minutes)
    hosts.right.services.tick.run()
    hosts.all = [hosts.wrong]
    after = next(spent for spent in _until(hosts, within=60 * MINUTE) if _stands_in(hosts.wrong))
    assert after <= CLAIMED_FOR.total_seconds() + PERIOD


@pytest.mark.parametrize("minutes", [12 * 60, -12 * 60])
def test_a_clock_that_is_set_while_it_runs_ticks_once_at_most_beside_the_timer(minutes: float) -> None:
    """Before and after, it sees that the timer ticks."""
    hosts = Hosts(0)
    stood_in = 0
    for spent in _until(hosts, within=20 * MINUTE):
        hosts.right.services.tick.run()
        if spent == 5 * MINUTE:
            hosts.wrong.clock.jump(minutes * MINUTE)
        if spent == 10 * MINUTE:
            hosts.wrong.clock.jump(-minutes * MINUTE)
        stood_in += _stands_in(hosts.wrong)
    assert stood_in == 0


@pytest.mark.parametrize("minutes", [12 * 60, -12 * 60])
@pytest.mark.parametrize("asked", [20, 86_400])
def test_a_429_is_honoured_for_its_time_whatever_happens_to_the_clock(minutes: float, asked: float) -> None:
    """A clock that was wrong when a 429 came neither pauses the factory for hours nor drops the pause."""
    world = World()
    world.factory.declare("load")
    world.clock.jump(minutes * MINUTE)
    world.factory.fail_next("create_run", Throttled("slow", retry_after=asked))
    world.submit("throttled")
    world.clock.jump(-minutes * MINUTE)
    bound = min(asked, LONGEST_THROTTLED_WAIT.total_seconds())
    world.tick(after=bound - 5)
    assert world.factory.calls.count("create_run") == 1
    for _ in range(3):
        world.tick(after=PERIOD)
    assert world.status("throttled") in STARTED


@wrong
def test_a_request_that_a_wrong_clock_has_postponed_is_started_in_time(minutes: float) -> None:
    """A wait that another host has written is over after the longest possible one."""
    hosts = Hosts(minutes)
    hosts.wrong.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    hosts.wrong.submit()
    hosts.all = [hosts.right]
    for _ in _until(hosts, within=LONGEST_THROTTLED_WAIT.total_seconds() + PERIOD):
        hosts.right.services.tick.run()
    assert hosts.right.status() in STARTED


@wrong
def test_the_lease_of_a_wrong_clock_is_over_in_time(minutes: float) -> None:
    """A sender dies with a lease, or an answer is lost: the others find the run."""
    hosts = Hosts(minutes)
    hosts.wrong.submit()
    stored = hosts.right.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    now = hosts.wrong.clock()
    hosts.right.ledger.save(
        stored,
        replace(
            stored.record,
            state=RunState.ACCEPTED,
            status="Accepted",
            submitted_at=None,
            sent_at=now,
            doubted_from=now,
            lease_until=now + timedelta(seconds=hosts.right.settings.lease),
        ),
    )
    for _ in _until(hosts, within=SOON):
        hosts.right.services.tick.run()
    assert hosts.right.status() in STARTED
    assert hosts.right.factory.calls.count("create_run") == 0


@wrong
def test_the_end_that_a_wrong_clock_has_leased_is_published_in_time(minutes: float) -> None:
    """A publisher that dies with its lease delays the event for no longer than the lease."""
    hosts = Hosts(minutes)
    run_id = hosts.wrong.submit().record.run_id
    hosts.right.factory.finish(run_id)
    hosts.right.outbox.before = [PublishError("the process is killed here")]
    hosts.wrong.services.tick.run()
    assert not hosts.right.outbox.before
    assert not hosts.right.outbox.events
    for _ in _until(hosts, within=SOON):
        hosts.right.services.tick.run()
    assert [event.subject for event in hosts.right.outbox.events] == ["key-1"]


@wrong
def test_the_probe_of_a_wrong_clock_blocks_no_other(minutes: float) -> None:
    """A factory that is held by a host with a wrong clock is probed again in time, by one at a time."""
    hosts = Hosts(minutes)
    hosts.wrong.services.states.hold(FACTORY_ID, Forbidden("no role", status=403))
    probes = {id(host): 0 for host in hosts.all}
    for _ in _until(hosts, within=60 * MINUTE):
        for host in hosts.all:
            probes[id(host)] += host.services.states.may_probe(FACTORY_ID)
    assert 30 <= sum(probes.values()) <= 75, "about one a minute"
    hosts.right.services.states.release(FACTORY_ID)
    hosts.forward(1)
    hosts.wrong.services.states.hold(FACTORY_ID, Forbidden("no role", status=403))
    hosts.all = [hosts.right]
    hosts.forward(1)
    state = hosts.right.services.states.of(FACTORY_ID)
    assert state is not None
    assert state.next_probe_at <= hosts.right.clock() + LONGEST_THROTTLED_WAIT
    after = next(
        spent
        for spent in _until(hosts, within=60 * MINUTE)
        if hosts.right.services.states.may_probe(FACTORY_ID)
    )
    assert after <= LONGEST_THROTTLED_WAIT.total_seconds() + PERIOD


@wrong
def test_health_sees_whether_the_timer_ticks_whatever_the_clocks_show(minutes: float) -> None:
    """A timer that ticks is well except for a first look; one that stands still shows in a few minutes."""
    hosts = Hosts(minutes)
    for timer, reader in ((hosts.right, hosts.wrong), (hosts.wrong, hosts.right)):
        said = []
        for _ in _until(hosts, within=5 * MINUTE):
            timer.services.tick.run()
            timer.services.observer.observe()
            said.append(asyncio.run(reader.services.health.answer()).status)
        assert set(said[1:]) == {HealthStatus.OK}
        after = next(
            spent
            for spent in _until(hosts, within=60 * MINUTE)
            if asyncio.run(reader.services.health.answer()).status is HealthStatus.UNAVAILABLE
        )
        assert after <= SOON


@pytest.mark.parametrize("minutes", [10, 25, 12 * 60])
def test_a_reader_of_a_run_that_a_wrong_clock_has_seen_gets_its_present_state(minutes: float) -> None:
    """An instant in the future does not count as a recent look."""
    hosts = Hosts(minutes)
    run_id = hosts.wrong.submit().record.run_id
    hosts.wrong.services.refresher.fresh(hosts.wrong.services.query.find("key-1"))
    hosts.forward(MINUTE)
    hosts.right.factory.finish(run_id)
    shown = hosts.right.services.refresher.fresh(hosts.right.services.query.find("key-1"))
    assert shown.status == "Succeeded"


def test_a_definition_is_cached_for_its_time_whatever_happens_to_the_clock() -> None:
    """A clock that is set back does not extend the cache."""
    world = World()
    world.factory.declare("load")
    factory = world.services.factories.choose(None)
    definitions = world.services.preview._checker._definitions
    definitions.get(factory, "load")
    calls = world.factory.calls.count("get_pipeline")
    world.clock.jump(-12 * 60 * MINUTE)
    world.clock.forward(world.settings.definition_cache)
    definitions.get(factory, "load")
    assert world.factory.calls.count("get_pipeline") == calls + 1


def test_looks_of_a_process_follow_elapsed_seconds() -> None:
    """A clock that is set causes neither an immediate look nor a delay of hours."""
    world = World()
    world.clock.forward(5 * MINUTE)
    assert _stands_in(world)
    assert world.clock() > START
    world.clock.jump(-12 * 60 * MINUTE)
    world.clock.forward(LOOK_EVERY + 5 * MINUTE)
    assert _stands_in(world)


@pytest.mark.parametrize("minutes", [10, 25, 12 * 60])
def test_a_clock_that_is_ahead_sends_nothing_beside_a_sender(minutes: float) -> None:
    """A request is not sent again while the run of a call that was just made cannot be seen yet."""
    hosts = Hosts(minutes)
    for host in hosts.all:
        host.factory.lag = timedelta(seconds=20)
    hosts.right.factory.fail_next("create_run", UnknownOutcome("the reply was lost"), after=True)
    hosts.right.submit()
    for _ in _until(hosts, within=SOON):
        for host in hosts.all:
            host.services.tick.run()
    assert len(hosts.right.factory.runs) == 1
    assert hosts.right.status() in STARTED

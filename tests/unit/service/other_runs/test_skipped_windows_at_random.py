"""Runs of others under random failures, lags, clocks, restarts and killed hosts, against a simple model."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import Throttled
from tests.support.memory_factory import sifted
from tests.support.other_runs import DOWN, ended, skipped, world_of
from tests.support.script import Crashed, Script
from tests.support.world import World

STEPS = ("observing.hold", "observing.release", "observing.move_on", "records.observe")
MODES = ("ok", "ok", "ok", "down", "throttled", "flaky", "slow", "cut off")
OVERLAP = 300


class Troubled:
    """Two hosts, and a Data Factory whose lists fail, lag and have another clock."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's reproducible chance
        self.skew = timedelta(seconds=self.random.choice([0, 300, 1500, -3000]))
        self.scripts = [Script(), Script()]
        calls = self.random.choice(["30", "200"])
        world = world_of(steps=self.scripts[0], ADF_TRIGGER_TICK_CALLS=calls)
        other = World(
            clock=world.clock,
            settings=world.settings,
            ledger=world.ledger,
            notes=world.notes,
            outbox=world.outbox,
            declarations=world.declarations,
            steps=self.scripts[1],
        )
        other.factory.runs, other.factory.hidden = world.factory.runs, world.factory.hidden
        other.factory.pipelines = world.factory.pipelines
        self.worlds = [world, other]
        self.mode = "ok"
        self.bad: set[UUID] = set()
        self.runs: set[UUID] = set()
        self.late: dict[UUID, datetime] = {}
        for each in self.worlds:
            each.factory.clock = lambda: world.clock() - self.skew
            each.factory.query_runs = self._failing(each.factory.query_runs)  # type: ignore[method-assign]
        world.tick(after=7200)

    def _failing(
        self, query: Callable[..., Iterator[Page[PipelineRun]]]
    ) -> Callable[..., Iterator[Page[PipelineRun]]]:
        def query_runs(
            run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
        ) -> Iterator[Page[PipelineRun]]:
            is_long = run_filter.last_updated_before - run_filter.last_updated_after > timedelta(minutes=2)
            for number, page in enumerate(query(run_filter)):
                if self.mode == "throttled" or (self.mode == "cut off" and number > 0):
                    raise Throttled("slow down", retry_after=1)
                if self.mode == "down" or (self.mode == "flaky" and self.random.random() < 0.4):
                    raise DOWN
                if (self.mode == "slow" and is_long and page.items) or any(
                    r.run_id in self.bad for r in page.items
                ):
                    raise DOWN
                yield from sifted([page], wanted)

        return query_runs

    def step(self) -> None:
        """Runs end; later, one host ticks."""
        world, chance = self.worlds[0], self.random.random
        for _ in range(self.random.choice([0, 1, 1, 2, 5, 120 if chance() < 0.2 else 1])):
            world.clock.forward(4 * chance())
            run = ended(world)
            world.factory.runs[run].created -= self.skew
            self.runs.add(run)
            if chance() < 0.25:
                world.factory.hidden.add(run)
                self.late[run] = world.clock() + timedelta(seconds=0.8 * OVERLAP * chance())
            if chance() < 0.02:
                self.bad.add(run)
        if chance() < 0.06:
            self.mode = self.random.choice(MODES)
        number = self.random.randrange(2)
        if chance() < 0.08:
            self.scripts[number].crash = (self.random.choice(STEPS), chance() < 0.5)
        world.clock.forward(self.random.choice([15, 15, 15, 60, 300 if chance() < 0.1 else 15]))
        for run in [run for run, due in self.late.items() if due <= world.clock()]:
            del self.late[run]
            world.factory.hidden.discard(run)
        try:
            self.worlds[number].tick()
        except Crashed:
            self.worlds[number].restart()

    def recover(self) -> None:
        """All faults end."""
        self.mode = "ok"
        self.bad.clear()
        self.worlds[0].factory.hidden.clear()
        for script in self.scripts:
            script.crash = None
        for seconds in (*[15] * 90, *[2000] * 40, *[15] * 30):
            for each in self.worlds:
                each.tick(after=seconds)


@pytest.mark.untraced  # what a seed reaches is no matter of the floor
@pytest.mark.parametrize("seed", range(4))
def test_every_run_is_published_under_one_id_once_the_faults_are_over(seed: int) -> None:
    """Whatever fails, lags or is killed, no run is lost, and no window stays skipped."""
    troubled = Troubled(seed)
    for _ in range(100):
        troubled.step()
    troubled.recover()
    events = {(event.data.run_id, event.id) for event in troubled.worlds[0].outbox.events}
    assert Counter(run for run, _ in events) == dict.fromkeys(troubled.runs, 1)
    assert skipped(troubled.worlds[0]) == []

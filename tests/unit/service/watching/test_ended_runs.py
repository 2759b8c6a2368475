"""What is kept in memory of a list of ended runs while it is read, and which of it a tick processes."""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import BadRequest, DataFactoryError, Forbidden, Throttled, Unavailable
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.watching.ended_runs import MOST_CHARACTERS, MOST_HELD, EndedRuns, read_ended
from adf_trigger.service.watching.ends import MAX_CLOCK_LEAD
from tests.support.memory_factory import MemoryFactory, at_a_glance
from tests.support.other_runs import ended, published_runs, world_of
from tests.support.world import FACTORY_ID, START, World, settings

WINDOW = RunFilter(last_updated_after=START - timedelta(hours=1), last_updated_before=START)
PAGE = 100
COUNT = 10_000


def every_run(_: RunGlance) -> bool:
    """All runs of others are wanted."""
    return True


def a_run(number: int, **changes: Any) -> PipelineRun:
    """An ended run; the newest has the first number."""
    fields = {
        "run_id": UUID(int=number),
        "pipeline_name": "theirs",
        "status": "Succeeded",
        "last_updated": START - timedelta(seconds=number),
        "parameters": {"p": "x"},
    }
    return PipelineRun.model_validate(fields | changes)


@dataclass
class Generated(MemoryFactory):
    """A factory whose list is generated as it is read, and which counts how much of it is in memory.

    Attributes:
        count: how many runs it lists.
        make: creates one, by its number.
        breaks: page → the error that takes its place.
        most_alive: the maximum of its decoded runs that existed at the same time.
    """

    count: int = COUNT
    make: Callable[[int], PipelineRun] = a_run
    breaks: dict[int, Exception] = field(default_factory=dict)
    most_alive: int = 0

    def query_runs(
        self,
        run_filter: RunFilter,  # noqa: ARG002 - the port's
        *,
        wanted: Callable[[RunGlance], bool] | None = None,
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        assert wanted is not None
        decoded: list[weakref.ref[PipelineRun]] = []
        for number, start in enumerate(range(0, self.count, PAGE)):
            if number in self.breaks:
                raise self.breaks[number]
            end = min(start + PAGE, self.count)
            page = [run for run in map(self.make, range(start, end)) if wanted(at_a_glance(run))]
            decoded = [each for each in (*decoded, *map(weakref.ref, page)) if each() is not None]
            self.most_alive = max(self.most_alive, len(decoded))
            yield Page(items=page, more=end < self.count)


def read(factory: Generated, **wanted: Any) -> EndedRuns:
    """Read a list of a factory, all of it."""
    return read_ended(factory, WINDOW, Budget(1_000), now=START, **wanted)


def test_of_unwanted_runs_none_is_kept() -> None:
    """Of ten thousand others only the position in the list is kept, which a run of the far future does not decide."""
    known = START + MAX_CLOCK_LEAD
    ahead = {0: known + timedelta(seconds=1), COUNT - 1: known}

    def make(number: int) -> PipelineRun:
        return a_run(number, **({"last_updated": ahead[number]} if number in ahead else {}))

    factory = Generated(lambda: START, make=make)
    found = read(factory, ours={UUID(int=COUNT + 1)})
    assert factory.most_alive == 0
    assert found == EndedRuns(set(), [], None, [], None, known, complete=True)


def test_of_our_runs_the_fields_of_an_end_are_kept() -> None:
    """Parameters are left out, as the record has them; so is a run that has not ended, whatever list shows it."""
    factory = Generated(
        lambda: START, make=lambda number: a_run(number, status="Failed" if number % 2 else "InProgress")
    )
    found = read(factory, ours={UUID(int=number) for number in (3, 4, 5)})
    assert [(run.run_id.int, run.status, run.parameters) for run in found.ours] == [
        (5, "Failed", {}),
        (3, "Failed", {}),
    ]
    assert found.shown == {UUID(int=3), UUID(int=5)}
    assert (found.others, found.complete, factory.most_alive < PAGE) == ([], True, True)


@pytest.mark.parametrize("whose", ["ours", "others"])
def test_of_very_many_runs_the_oldest_are_kept(whose: str) -> None:
    """Ten thousand are never in memory together, and it is known since when some are left out."""
    factory = Generated(lambda: START)
    wanted = {"ours": {UUID(int=n) for n in range(COUNT)}} if whose == "ours" else {"others": every_run}
    found = read(factory, **wanted)
    held, left_out = (
        (found.ours, found.ours_left_out) if whose == "ours" else (found.others, found.others_left_out)
    )
    assert [run.run_id.int for run in held] == list(range(COUNT - 1, COUNT - 1 - MOST_HELD, -1))
    assert left_out == START - timedelta(seconds=COUNT - 1 - MOST_HELD)
    assert factory.most_alive <= 2 * MOST_HELD + 2 * PAGE
    assert len(found.shown) == (COUNT if whose == "ours" else 0)


def test_of_very_long_runs_few_are_kept() -> None:
    """The characters are bounded as well; one run is kept, however long."""
    long = {"parameters": {"p": "x" * (MOST_CHARACTERS // 4)}}
    factory = Generated(lambda: START, count=20, make=lambda number: a_run(number, **long))
    found = read(factory, others=every_run)
    assert [run.run_id.int for run in found.others] == [19, 18, 17, 16]
    assert found.others_left_out == START - timedelta(seconds=15)
    longest = {"message": "x" * (MOST_CHARACTERS + 1)}
    factory = Generated(lambda: START, count=2, make=lambda number: a_run(number, **longest))
    assert [run.run_id.int for run in read(factory, others=every_run).others] == [1]


def test_a_page_that_cannot_be_read_keeps_the_pages_before_it() -> None:
    """Their runs are returned, with the error."""
    error = Unavailable("down", status=503)
    factory = Generated(lambda: START, breaks={2: error})
    found = read(factory, others=every_run)
    assert (len(found.others), found.complete, found.error) == (2 * PAGE, False, error)


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (0, Unavailable("down", status=503)),
        (2, Throttled("slow down")),
        (2, Forbidden("no role", status=403)),
    ],
)
def test_a_list_without_runs_or_that_must_not_be_read_now_fails(page: int, error: DataFactoryError) -> None:
    """There is nothing to process, or no call to process it with."""
    with pytest.raises(type(error)):
        read(Generated(lambda: START, breaks={page: error}), others=every_run)


def test_ends_before_a_broken_page_are_published_in_the_same_tick() -> None:
    """The next tick begins at the same place, and publishes the others."""
    world = World(settings=settings(ADF_TRIGGER_POLL_OVERLAP_SECONDS="1"))
    world.factory.declare("load")
    for number in range(PAGE + 20):
        world.factory.finish(world.submit(f"run-{number}").record.run_id)
    as_it_is, broken = world.factory.query_runs, [True]

    def breaking(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        for page in as_it_is(run_filter, **sifting):
            yield page
            if broken:
                broken.clear()
                raise Unavailable("its body did not arrive whole", status=200)

    world.factory.query_runs = breaking  # type: ignore[method-assign]
    world.tick(after=15)
    assert len(world.outbox.events) == PAGE
    assert world.ledger.cursor(FACTORY_ID).polled_until is None
    world.tick(after=15)
    assert len(world.outbox.events) == PAGE + 20


@pytest.mark.parametrize(
    "error", [Unavailable("its body is no JSON", status=200), BadRequest("a filter is not known", status=400)]
)
def test_where_no_list_can_be_read_ends_are_found_run_by_run(error: DataFactoryError) -> None:
    """One run that makes the first page unreadable hides the ends of all others for no longer than a run is unseen."""
    world = World(settings=settings(ADF_TRIGGER_STALE_AFTER_SECONDS="60"))
    world.factory.declare("load")
    run_ids = [world.submit(f"run-{number}").record.run_id for number in range(20)]
    world.tick(after=15)
    for run_id in run_ids:
        world.factory.finish(run_id)
    world.factory.always["query_runs"] = error
    for _ in range(6):
        world.tick(after=15)
    assert len(world.outbox.events) == 20
    note = world.services.notes.get("app", "tick")
    assert note is not None
    assert note.value["trouble"] == []


@pytest.mark.parametrize("error", [Throttled("slow down", retry_after=600), Forbidden("no role", status=403)])
def test_where_the_factory_must_not_be_read_no_run_is(error: DataFactoryError) -> None:
    """A list that is refused for the factory's sake is followed by no other call."""
    world = World(settings=settings(ADF_TRIGGER_STALE_AFTER_SECONDS="60"))
    world.factory.declare("load")
    for number in range(20):
        world.factory.finish(world.submit(f"run-{number}").record.run_id)
    world.clock.forward(120)
    world.factory.always["query_runs"] = error
    world.factory.calls.clear()
    world.tick()
    assert "get_run" not in world.factory.calls


def test_ends_without_room_are_published_by_the_next_tick() -> None:
    """The next list begins with the first of them, and not where this one has ended."""
    world = World(settings=settings(ADF_TRIGGER_POLL_OVERLAP_SECONDS="1"))
    world.factory.declare("load")
    run_ids = [world.submit(f"run-{number}").record.run_id for number in range(2 * 4)]
    for run_id in run_ids:
        world.clock.forward(60)
        world.factory.finish(run_id, message="x" * (MOST_CHARACTERS // 4))
    world.tick(after=15)
    assert [event.subject for event in world.outbox.events] == [f"run-{number}" for number in range(4)]
    world.tick(after=15)
    assert [event.subject for event in world.outbox.events] == [f"run-{number}" for number in range(2 * 4)]


def test_runs_of_others_without_room_are_published_by_the_next_tick() -> None:
    """Each is published once."""
    world = world_of()
    run_ids = []
    for _ in range(6):
        world.clock.forward(600)
        run_ids.append(ended(world, parameters={"p": "x" * (MOST_CHARACTERS // 4)}))
    world.tick(after=15)
    assert published_runs(world) == run_ids[:4]
    for _ in range(2):
        world.tick(after=15)
    assert published_runs(world) == run_ids


def test_of_runs_of_others_without_a_time_of_change_the_time_of_reading_counts() -> None:
    """They are held after those that have one."""
    factory = Generated(
        lambda: START,
        count=4,
        make=lambda number: a_run(number, **({} if number % 2 else {"last_updated": None})),
    )
    assert [run.run_id.int for run in read(factory, others=every_run).others] == [3, 1, 0, 2]


def test_of_a_list_only_runs_are_decoded_that_a_policy_may_want() -> None:
    """Those of other pipelines, and children of other runs, are not."""
    world = world_of()
    asked: list[Callable[[RunGlance], bool]] = []

    @dataclass
    class Asked(MemoryFactory):
        def query_runs(self, *args: Any, wanted: Any = None, **options: Any) -> Iterator[Page[PipelineRun]]:
            """See PipelineRuns."""
            asked.append(wanted)
            return super().query_runs(*args, wanted=wanted, **options)

    world.factory = Asked(world.clock)
    world.factory.declare("load")
    world.restart()
    world.tick(after=15)
    run = a_run(1, pipeline_name="load")
    child = a_run(2, pipeline_name="load", invoked_by={"invokedByType": "PipelineActivity"})
    for wanted in asked:
        assert [wanted(at_a_glance(each)) for each in (run, child, a_run(3))] == [True, False, False]
    assert asked

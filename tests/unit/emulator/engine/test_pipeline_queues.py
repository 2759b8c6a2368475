"""A pipeline's concurrency: that many runs at a time, the others queued."""

import asyncio
from datetime import timedelta

import pytest

from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.engine.progression import Mode, Progression
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, fail, wait


def started(factory: Factory, count: int, pipeline: str = "P") -> list[PipelineRun]:
    """Start several runs together and wait for them all."""

    async def story() -> list[PipelineRun]:
        run_ids = [factory.start(pipeline) for _ in range(count)]
        return [await factory.ended(run_id) for run_id in run_ids]

    return factory.play(story())


def starts(factory: Factory, run: PipelineRun) -> int:
    """Seconds after which a run's activity began."""
    (row,) = factory.log.activities(FACTORY_ID, run.run_id)
    return int((row.start - EPOCH).total_seconds())


def test_runs_beyond_the_concurrency_wait_in_order(factory: Factory) -> None:
    """With two places, five runs of ten seconds start two by two, first come first served."""
    factory.define("P", wait("W", 10), concurrency=2)

    runs = started(factory, 5)

    assert [starts(factory, run) for run in runs] == [0, 0, 10, 10, 20]
    assert {run.status for run in runs} == {"Succeeded"}


def test_without_concurrency_no_run_waits(factory: Factory) -> None:
    """A hundred and fifty runs are in progress together."""
    factory.define("P", wait("W", 10))

    assert {starts(factory, run) for run in started(factory, 150)} == {0}


def test_a_waiting_run_is_queued(factory: Factory) -> None:
    """Its status stays Queued, without a message, until it has a place."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> tuple[str, str | None]:
        first, second = factory.start("P"), factory.start("P")
        await asyncio.sleep(5)
        seen = factory.log.runs[second]
        await factory.ended(first)
        await factory.ended(second)
        return seen.status, seen.message

    assert factory.play(story()) == ("Queued", None)


def test_a_place_is_passed_on_however_a_run_ends(factory: Factory) -> None:
    """It is free after a failure as after a success."""
    factory.define("P", wait("W", 10), fail("F", after={"W": "Succeeded"}), concurrency=1)

    assert [run.run_end for run in started(factory, 2)] == [EPOCH + timedelta(seconds=n) for n in (10, 20)]


def test_a_queued_run_is_cancelled_without_ever_starting(factory: Factory) -> None:
    """It goes from Queued to Cancelled immediately, and the one behind it moves up."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> tuple[PipelineRun, PipelineRun]:
        _first, second, third = (factory.start("P") for _ in range(3))
        await asyncio.sleep(2)
        factory.engine.cancel(FACTORY_ID, second, recursive=False)
        assert factory.log.runs[second].status == "Cancelled"
        return factory.log.runs[second], await factory.ended(third)

    second, third = factory.play(story())

    assert [status for name, status in factory.log.history if name == second.run_id] == [
        "Queued",
        "Cancelled",
    ]
    assert starts(factory, third) == 10


def test_a_cancelled_run_lets_the_next_one_in(factory: Factory) -> None:
    """A cancelled run frees its place, too."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> PipelineRun:
        first, second = factory.start("P"), factory.start("P")
        await asyncio.sleep(3)
        factory.engine.cancel(FACTORY_ID, first, recursive=False)
        return await factory.ended(second)

    assert starts(factory, factory.play(story())) == 3


def test_pipelines_do_not_share_places(factory: Factory) -> None:
    """Another pipeline's runs are not delayed; names match in any case."""
    factory.define("P", wait("W", 10), concurrency=1)
    factory.define("Q", wait("W", 10), concurrency=1)

    async def story() -> list[PipelineRun]:
        run_ids = [factory.start(name) for name in ("P", "Q", "p")]
        return [await factory.ended(run_id) for run_id in run_ids]

    assert [starts(factory, run) for run in factory.play(story())] == [0, 0, 10]


def test_a_full_queue_is_reported(factory: Factory) -> None:
    """The service allows a hundred queued runs."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> list[bool]:
        seen = []
        for count in range(102):
            factory.start("P")
            if count in {99, 100}:
                seen.append(factory.engine.queue_is_full(FACTORY_ID, "p"))
        return seen

    assert factory.play(story()) == [False, True]


@pytest.mark.parametrize(("strict", "status"), [(True, "Failed"), (False, "Queued")])
def test_beyond_a_full_queue_a_run_fails_if_strict(factory: Factory, *, strict: bool, status: str) -> None:
    """A strict emulator fails the hundred and second run immediately; otherwise the queue grows."""
    factory.options = Options(strict=strict)
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> str:
        run_ids = [factory.start("P") for _ in range(102)]
        return factory.log.runs[run_ids[-1]].status

    assert factory.play(story()) == status


def test_simulated_runs_take_places_too(factory: Factory) -> None:
    """A held run keeps the next one queued until it is released."""
    factory.define("P", wait("W"), concurrency=1)
    factory.engine.progressions.set(Progression(mode=Mode.HELD))

    async def story() -> list[str]:
        first, second = factory.start("P"), factory.start("P")
        assert not factory.engine.release(second)
        seen = [factory.log.runs[second].status]
        assert factory.engine.release(first)
        seen.append(factory.log.runs[second].status)
        assert factory.engine.release(second)
        return [*seen, factory.log.runs[second].status]

    assert factory.play(story()) == ["Queued", "InProgress", "Succeeded"]


def test_a_parent_that_starts_itself_waits_until_it_is_cancelled(factory: Factory) -> None:
    """With concurrency one, a pipeline that awaits a run of itself never ends on its own."""
    reference = {"referenceName": "P", "type": "PipelineReference"}
    factory.define(
        "P",
        activity("E", "ExecutePipeline", {"pipeline": reference, "waitOnCompletion": True}),
        concurrency=1,
    )

    async def story() -> list[str]:
        run_id = factory.start("P")
        await asyncio.sleep(3600)
        before = [run.status for run in factory.log.runs.values()]
        factory.engine.cancel(FACTORY_ID, run_id, recursive=True)
        await factory.ended(run_id)
        return before + [run.status for run in factory.log.runs.values()]

    assert factory.play(story()) == ["InProgress", "Queued", "Cancelled", "Cancelled"]

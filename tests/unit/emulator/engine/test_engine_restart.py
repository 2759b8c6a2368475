"""Runs over a stop and restart of the emulator."""

import asyncio

from adf_trigger.emulator.common.models import PipelineRun
from tests.support.engine_factory import FACTORY_ID, Factory, activity, wait


def test_a_stop_leaves_runs_unchanged(factory: Factory) -> None:
    """Nothing is written at the stop: not Cancelled, which nothing requested."""
    factory.define("P", wait("W", 100))

    async def story() -> tuple[int, int]:
        factory.start("P")
        await asyncio.sleep(1)
        before = factory.log.writes
        await factory.engine.close()
        return before, factory.log.writes

    before, after = factory.play(story())

    assert before == after
    assert [run.status for run in factory.log.unfinished()] == ["InProgress"]


def test_a_run_in_progress_ends_as_failed(factory: Factory) -> None:
    """It is not run again, and both it and its open activity run give the reason."""
    factory.define("P", wait("A", 1), wait("W", 100, after={"A": "Succeeded"}))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(5)
        await factory.engine.close()
        factory.restart().resume()
        return factory.log.runs[run_id]

    run = factory.play(story())

    rows = factory.rows(run)
    assert run.status == "Failed"
    assert run.message == "The emulator was stopped while the run was in progress."
    assert (rows["A"].status, rows["W"].status) == ("Succeeded", "Failed")
    assert rows["W"].error["errorCode"] == "Interrupted"
    assert rows["W"].end == run.run_end


def test_a_queued_run_is_resumed(factory: Factory) -> None:
    """It had not started, so it runs, in the order of creation, each in its turn."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> list[PipelineRun]:
        run_ids = [factory.start("P") for _ in range(3)]
        await asyncio.sleep(5)
        await factory.engine.close()
        factory.restart().resume()
        return [await factory.ended(run_id) for run_id in run_ids]

    runs = factory.play(story())

    assert [run.status for run in runs] == ["Failed", "Succeeded", "Succeeded"]
    starts = [factory.rows(run)["W"].start for run in runs]
    assert starts == sorted(starts)


def test_a_run_that_was_being_cancelled_is_cancelled(factory: Factory) -> None:
    """The request survives the restart."""
    factory.define("P", wait("W", 100))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(5)
        interrupted = factory.log.runs[run_id]
        interrupted.status = "Canceling"
        await factory.engine.close()
        factory.log.save_run(interrupted)
        factory.restart().resume()
        return factory.log.runs[run_id]

    run = factory.play(story())

    assert run.status == "Cancelled"
    assert factory.rows(run)["W"].status == "Cancelled"


def test_a_resumed_run_can_be_cancelled(factory: Factory) -> None:
    """It can be cancelled like any other run."""
    factory.define("P", wait("W", 10), concurrency=1)

    async def story() -> PipelineRun:
        _first, second = factory.start("P"), factory.start("P")
        await factory.engine.close()
        factory.restart().resume()
        await asyncio.sleep(1)
        factory.engine.cancel(FACTORY_ID, second, recursive=False)
        return await factory.ended(second)

    assert factory.play(story()).status == "Cancelled"


def test_a_stop_during_a_child_fails_both(factory: Factory) -> None:
    """Parent and child end as failed after the restart."""
    reference = {"referenceName": "Child", "type": "PipelineReference"}
    factory.define("Child", wait("W", 100))
    factory.define("P", activity("E", "ExecutePipeline", {"pipeline": reference, "waitOnCompletion": True}))

    async def story() -> None:
        factory.start("P")
        await asyncio.sleep(5)
        await factory.engine.close()
        factory.restart().resume()

    factory.play(story())

    assert [run.status for run in factory.log.runs.values()] == ["Failed", "Failed"]
    assert {row.status for row in factory.log.rows.values()} == {"Failed"}

"""Runs that progress as a test configures, without being executed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.engine.progression import Mode, Progression, Progressions
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, wait


def test_at_once_ends_before_submit_returns(factory: Factory) -> None:
    """The run has ended when createRun answers, and no activity has run."""
    factory.define("P", wait("W", 100))
    factory.engine.progressions.set(Progression(mode=Mode.AT_ONCE))

    async def story() -> PipelineRun:
        return factory.log.runs[factory.start("P")]

    run = factory.play(story())

    assert (run.status, run.run_start, run.run_end, run.message) == ("Succeeded", EPOCH, EPOCH, "")
    assert factory.rows(run) == {}


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_after_n_reads_the_next_read_finds_the_end(factory: Factory, reads: int) -> None:
    """n reads see the run in progress, and further ones its end."""
    factory.define("P", wait("W", 100))
    factory.engine.progressions.set(Progression(mode=Mode.AFTER_READS, reads=reads))

    async def story() -> list[str]:
        run_id = factory.start("P")
        seen = []
        for _ in range(reads + 2):
            await asyncio.sleep(60)
            factory.engine.observe_read(FACTORY_ID, run_id)
            seen.append(factory.log.runs[run_id].status)
        return seen

    assert factory.play(story()) == ["InProgress"] * reads + ["Succeeded"] * 2


def test_after_seconds_the_run_ends(factory: Factory) -> None:
    """It is InProgress until then, and no activity runs."""
    factory.define("P", wait("W", 1))
    factory.engine.progressions.set(Progression(mode=Mode.AFTER_SECONDS, seconds=42))

    run = factory.run("P")

    assert (run.status, run.run_end) == ("Succeeded", EPOCH + timedelta(seconds=42))
    assert factory.rows(run) == {}


def test_a_held_run_ends_when_it_is_released(factory: Factory) -> None:
    """It is listed until then; another id releases nothing, nor does a second call."""
    factory.define("P", wait("W", 1))
    factory.engine.progressions.set(Progression(mode=Mode.HELD))

    async def story() -> str:
        run_id = factory.start("P")
        await asyncio.sleep(10**6)
        assert factory.engine.held() == [run_id]
        assert not factory.engine.release("another")
        assert factory.log.runs[run_id].status == "InProgress"
        assert factory.engine.release(run_id)
        assert not factory.engine.release(run_id)
        assert factory.engine.held() == []
        return factory.log.runs[run_id].status

    assert factory.play(story()) == "Succeeded"


@pytest.mark.parametrize("mode", [Mode.AT_ONCE, Mode.AFTER_READS, Mode.AFTER_SECONDS, Mode.HELD])
@pytest.mark.parametrize(
    ("outcome", "message"),
    [("Succeeded", ""), ("Failed", "Operation on target X failed: y"), ("Cancelled", "")],
)
def test_a_run_ends_with_the_configured_outcome(
    factory: Factory, mode: Mode, outcome: str, message: str
) -> None:
    """It does so in every mode, with the message if it fails."""
    factory.define("P", wait("W", 1))
    factory.engine.progressions.set(
        Progression(mode=mode, outcome=outcome, message="Operation on target X failed: y")
    )

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(1)
        factory.engine.observe_read(FACTORY_ID, run_id)
        factory.engine.release(run_id)
        return factory.log.runs[run_id]

    run = factory.play(story())

    assert (run.status, run.message) == (outcome, message)


def test_a_release_may_choose_another_outcome(factory: Factory) -> None:
    """A run held to succeed can be released to fail."""
    factory.define("P")
    factory.engine.progressions.set(Progression(mode=Mode.HELD))

    async def story() -> str:
        run_id = factory.start("P")
        with pytest.raises(ValueError, match="outcome must be one of"):
            factory.engine.release(run_id, "Exploded")
        factory.engine.release(run_id, "Failed")
        return factory.log.runs[run_id].status

    assert factory.play(story()) == "Failed"


@pytest.mark.parametrize("mode", [Mode.AFTER_READS, Mode.AFTER_SECONDS, Mode.HELD])
def test_a_simulated_run_can_be_cancelled(factory: Factory, mode: Mode) -> None:
    """Cancel works in every mode."""
    factory.define("P", wait("W", 1))
    factory.engine.progressions.set(Progression(mode=mode, reads=5, seconds=50))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(3)
        factory.engine.cancel(FACTORY_ID, run_id, recursive=False)
        return await factory.ended(run_id)

    run = factory.play(story())

    assert (run.status, run.run_end) == ("Cancelled", EPOCH + timedelta(seconds=3))


def test_a_parent_sees_the_configured_outcome_of_its_child(factory: Factory) -> None:
    """A real parent waits for a simulated child."""
    reference = {"referenceName": "Child", "type": "PipelineReference"}
    factory.define("Child", wait("W"))
    factory.define("P", activity("E", "ExecutePipeline", {"pipeline": reference, "waitOnCompletion": True}))
    factory.engine.progressions.set(Progression(mode=Mode.AT_ONCE, outcome="Failed"), pipeline="child")

    run = factory.run("P")

    assert run.status == "Failed"
    assert factory.rows(run)["E"].status == "Failed"


def test_reads_of_real_runs_change_nothing(factory: Factory) -> None:
    """Reads of unknown runs change nothing either."""
    factory.define("P", wait("W", 5))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        for _ in range(10):
            factory.engine.observe_read(FACTORY_ID, run_id)
            factory.engine.observe_read(FACTORY_ID, "unknown")
        return await factory.ended(run_id)

    assert factory.play(story()).run_end == EPOCH + timedelta(seconds=5)


def test_a_pipelines_own_progression_precedes_the_default() -> None:
    """It is found by name, without case; reset removes all."""
    progressions = Progressions()
    held, at_once = Progression(mode=Mode.HELD), Progression(mode=Mode.AT_ONCE)
    progressions.set(held, pipeline="Copy")
    progressions.set(at_once)

    assert (progressions.of("COPY"), progressions.of("other")) == (held, at_once)
    progressions.reset()
    assert progressions.of("copy").mode is Mode.REAL


@pytest.mark.parametrize(
    "choice", [{"outcome": "Exploded"}, {"outcome": "InProgress"}, {"reads": -1}, {"seconds": -0.5}]
)
def test_an_invalid_progression_is_rejected(choice: dict[str, Any]) -> None:
    """An outcome other than the three, or a negative number, is an error."""
    with pytest.raises(ValueError, match=r"must"):
        Progression(**choice)


def test_a_reset_removes_runs_without_writing(factory: Factory) -> None:
    """Nothing is written about runs in progress, and progressions are removed."""
    factory.define("P", wait("W", 100), concurrency=1)
    factory.engine.progressions.set(Progression(mode=Mode.HELD), pipeline="Q")
    factory.define("Q")

    async def story() -> PipelineRun:
        for name in ("P", "P", "Q"):
            factory.start(name)
        await asyncio.sleep(1)
        written = factory.log.writes
        await factory.engine.reset()
        await asyncio.sleep(1000)
        assert factory.log.writes == written
        assert factory.engine.held() == []
        return await factory.ended(factory.start("P"))

    assert factory.play(story()).status == "Succeeded"

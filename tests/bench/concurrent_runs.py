"""Whether many runs at once all end well, how long that takes, and the memory that the emulator needs for it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from adf_trigger.datafactory.models import PipelineRun
from tests.bench.emulator_process import EmulatorProcess, emulator
from tests.bench.figures import BenchFailed, Figure
from tests.bench.pipelines import wait_and_set
from tests.bench.processes import memory_samples

CALLERS = 8
PATIENCE_SECONDS = 60.0
"""How long the runs may take on top of their Wait."""
_POLL_SECONDS = 0.25
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wave:
    started_per_second: float
    at_once: int
    seconds: float
    megabytes: float


def measure(repeats: int, *, runs: int = 1_000, wait: int = 10) -> list[Figure]:
    """Start runs that all wait at the same time, in an emulator that is new for each repeat.

    Args:
        repeats: how often.
        runs: how many at once.
        wait: seconds that each waits: longer than it takes to start them all, so that they do overlap.
    """
    waves = [_wave(runs, wait) for _ in range(repeats)]
    return [
        Figure(
            name="runs that were going on at once",
            unit="runs",
            values=[wave.at_once for wave in waves],
            at_least=runs,
        ),
        Figure(
            name=f"all of them Succeeded, each with a Wait of {wait} s",
            unit="s",
            values=[wave.seconds for wave in waves],
        ),
        Figure(
            name=f"  createRun answered, {CALLERS} callers",
            unit="per second",
            values=[wave.started_per_second for wave in waves],
            at_least=300,
        ),
        Figure(
            name="  emulator's memory at its peak (RSS)",
            unit="MB",
            values=[wave.megabytes for wave in waves],
            below=300,
        ),
    ]


def _wave(count: int, wait: int) -> _Wave:
    with emulator() as running:
        running.define("bench", wait_and_set(wait))
        with memory_samples(running.pid) as samples:
            load = running.start_runs("bench", count=count, callers=CALLERS)
            _wait_for_end(running, wait + PATIENCE_SECONDS)
            runs = running.runs()
        running.check_log()
    _check(runs, count)
    begun = min(run.run_start for run in runs if run.run_start)
    ended = max(run.run_end for run in runs if run.run_end)
    return _Wave(
        started_per_second=load.per_second,
        at_once=most_at_once(runs),
        seconds=(ended - begun) / timedelta(seconds=1),
        megabytes=max(samples) / _MEGABYTE,
    )


def _wait_for_end(running: EmulatorProcess, patience: float) -> None:
    deadline = time.monotonic() + patience
    while running.is_busy():
        if time.monotonic() > deadline:
            raise BenchFailed(f"some runs had not ended after {patience:g} s")
        time.sleep(_POLL_SECONDS)


def _check(runs: Sequence[PipelineRun], count: int) -> None:
    outcomes = Counter(run.status for run in runs)
    if outcomes != {"Succeeded": count}:
        raise BenchFailed(f"{count} runs should have Succeeded, and they ended as {dict(outcomes)}")


def most_at_once(runs: Sequence[PipelineRun]) -> int:
    """The most runs that had begun and had not ended, by the service's own times."""
    changes = sorted(
        [(run.run_start, 1) for run in runs if run.run_start]
        + [(run.run_end, -1) for run in runs if run.run_end]
    )
    going_on = most = 0
    for _, change in changes:
        going_on += change
        most = max(most, going_on)
    return most

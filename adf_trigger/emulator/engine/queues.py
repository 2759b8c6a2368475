"""Concurrent runs of a pipeline: its `concurrency`, and the queue of the runs that wait for a place."""

from collections import deque
from dataclasses import dataclass, field

from adf_trigger.emulator.common.models import PipelineRun

MAX_QUEUED_RUNS = 100
"""Maximum queued runs of one pipeline, as documented among the service's limits."""

QUEUE_IS_FULL = (
    "Pipeline execution throttled. If the concurrency value is set for a pipeline, "
    f"a maximum of {MAX_QUEUED_RUNS} runs will be queued for execution."
)
"""The service's message for a run that exceeds the queue's limit."""


@dataclass(slots=True)
class _Places:
    taken: set[str] = field(default_factory=set)
    waiting: deque[PipelineRun] = field(default_factory=deque)


class PipelineQueues:
    """The places of each pipeline. A pipeline without `concurrency` has no limit."""

    def __init__(self) -> None:
        self._pipelines: dict[tuple[str, str], _Places] = {}

    def enter(self, run: PipelineRun) -> bool:
        """Take a place for a run; False if there is none and the run was queued, first come, first served."""
        places = self._pipelines.setdefault(_key(run), _Places())
        if _full(places, run):
            places.waiting.append(run)
            return False
        places.taken.add(run.run_id)
        return True

    def leave(self, run: PipelineRun) -> list[PipelineRun]:
        """Release a run's place, or remove it from the queue, and return the runs that got a place."""
        places = self._pipelines.get(_key(run))
        if places is None:
            return []
        if run.run_id in places.taken:
            places.taken.remove(run.run_id)
        else:
            places.waiting = deque(other for other in places.waiting if other is not run)
        entered = []
        while places.waiting and not _full(places, places.waiting[0]):
            following = places.waiting.popleft()
            places.taken.add(following.run_id)
            entered.append(following)
        if not places.taken and not places.waiting:
            del self._pipelines[_key(run)]
        return entered

    def waiting(self, factory_id: str, pipeline_name: str) -> int:
        """Number of queued runs of a pipeline."""
        places = self._pipelines.get((factory_id.casefold(), pipeline_name.casefold()))
        return len(places.waiting) if places else 0


def _key(run: PipelineRun) -> tuple[str, str]:
    return run.factory_id.casefold(), run.pipeline_name.casefold()


def _full(places: _Places, run: PipelineRun) -> bool:
    concurrency = run.definition.get("concurrency")
    return concurrency is not None and len(places.taken) >= int(concurrency)

"""The effect of visibility faults on reads of runs: lists and single reads that lag behind."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.emulator.common.clock import Clock
from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.faults.rules import FaultBook, VisibilityFault

_Key = tuple[UUID, str, str]


@dataclass(slots=True)
class _Seen:
    """What a rule has shown of a run.

    Attributes:
        version: `last_updated` of the newest state.
        since: when the run reached that state.
        shown: the state that is shown while the newest is hidden.
        reads: number of reads of the run since then.
    """

    version: datetime
    since: datetime
    shown: PipelineRun
    reads: int = 0


class Visibility:
    """Applies the visibility faults of a fault book."""

    def __init__(self, faults: FaultBook, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock
        self._reads: dict[_Key, int] = {}
        self._seen: dict[_Key, _Seen] = {}

    def clear(self) -> None:
        """Forget what was shown."""
        self._reads.clear()
        self._seen.clear()

    def shown(self, operation: str, run: PipelineRun) -> PipelineRun | None:
        """A run as a read operation shows it now; None if it is hidden."""
        for rule_id, rule in self._faults.visibility(operation, run.factory_id):
            key = (rule_id, run.factory_id.lower(), run.run_id.lower())
            if rule.fault == "missing":
                if self._still_missing(rule, key, run):
                    return None
            else:
                run = self._stale(rule, key, run)
        return run

    def _still_missing(self, rule: VisibilityFault, key: _Key, run: PipelineRun) -> bool:
        if rule.seconds is not None:
            return self._clock() < run.trigger_time + timedelta(seconds=rule.seconds)
        reads = self._reads[key] = self._reads.get(key, 0) + 1
        return rule.reads is not None and reads <= rule.reads

    def _stale(self, rule: VisibilityFault, key: _Key, run: PipelineRun) -> PipelineRun:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(run.last_updated, run.last_updated, _as_created(run))
        elif seen.version != run.last_updated:
            # What this rule last showed becomes the old state; it stays until the new one is old enough.
            seen.version, seen.since, seen.reads = run.last_updated, run.last_updated, 0
        seen.reads += 1
        if rule.seconds is not None:
            is_old = self._clock() < seen.since + timedelta(seconds=rule.seconds)
        else:
            is_old = rule.reads is not None and seen.reads <= rule.reads
        if not is_old:
            seen.shown = run
        return seen.shown


def _as_created(run: PipelineRun) -> PipelineRun:
    """The run as it was right after createRun."""
    return replace(
        run,
        status="Queued",
        message=None,
        run_end=None,
        run_start=run.trigger_time,
        last_updated=run.trigger_time,
    )

"""Lists the ended runs of a factory, in windows that a tick can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.watching.ended_runs import EndedRuns, Wanted, ended_filter, read_ended
from adf_trigger.service.watching.monitor import NEVER_LATER, Listed

LEAST_SPAN = timedelta(seconds=1)
"""Minimum window of a list, where more runs have ended than a tick can read."""

SHOWN_BY_THEN = timedelta(hours=12)
"""Maximum lag of lists: the next one need not begin earlier, even if no run has ended for long."""


@dataclass(frozen=True, slots=True)
class Window:
    """The result of a list.

    Attributes:
        found: the runs of others, and how far the list went.
        until: where the window ended, before the present; None where it did not.
    """

    found: EndedRuns
    until: datetime | None = None

    @property
    def runs(self) -> Sequence[PipelineRun]:
        """Ended runs that may have to be published, the oldest first."""
        return self.found.others

    @property
    def complete(self) -> bool:
        """Whether the window was read to its end; of very many runs the oldest are held."""
        return self.found.complete

    @property
    def left_out(self) -> datetime | None:
        """The earliest update of the runs that there was no room for."""
        return self.found.others_left_out


class OtherRunLister:
    """Lists ended runs.

    Args:
        clock: returns the current time.
        overlap: how far a list looks back behind the last one, since lists lag.
    """

    def __init__(self, clock: Clock, *, overlap: timedelta) -> None:
        self._clock = clock
        self._overlap = overlap
        self._spans: dict[tuple[str, str], timedelta] = {}

    def shown(self, listed: Listed | None, since: datetime) -> Window | None:
        """The monitor's list as a window, where it is complete since a given time; else None."""
        if listed is None or not listed.runs.complete or listed.after > since - self._overlap:
            return None
        return Window(listed.runs)

    def list(
        self,
        factory: FactoryHandle,
        since: datetime,
        budget: Budget,
        wanted: Wanted,
        pipeline: str | None = None,
    ) -> Window:
        """List runs that have ended since a time: at most half of the calls are for the list, the rest for its runs.

        Where that does not suffice, the next list has a window a quarter as long, so that one is complete in the end.

        Args:
            factory: whose runs.
            since: the instant, by Data Factory's clock.
            budget: calls and time.
            wanted: which runs are decoded.
            pipeline: as Data Factory spells it; None for all.

        Raises:
            DataFactoryError, CredentialError: listing failed.
        """
        key, now = (factory.id, pipeline or ""), self._clock()
        span = self._spans.get(key)
        until = None if span is None or since + span >= now - self._overlap else since + span
        named = FieldFilter(operand="PipelineName", operator="Equals", values=(pipeline or "",))
        window = RunFilter(
            last_updated_after=since - self._overlap,
            last_updated_before=now + NEVER_LATER if until is None else until,
            filters=(ended_filter(),) if pipeline is None else (ended_filter(), named),
        )
        most = max(1, budget.left // 2)
        found = read_ended(factory.runs, window, budget, now=now, at_most=most, others=wanted)
        if not found.complete:
            self._spans[key] = max(LEAST_SPAN, ((until or now) - since) / 4)
        elif until is None:
            self._spans.pop(key, None)
        elif span is not None:
            self._spans[key] = span * 2
        return Window(found, until)

    def next_since(self, window: Window, since: datetime, left: Sequence[PipelineRun]) -> datetime:
        """Where the next list begins: where this one ended, by Data Factory's clock, and never ahead of ours.

        Runs that are left are listed again, however long that takes.
        """
        now, newest = self._clock(), window.found.newest
        until = window.until or max(
            [since, now - SHOWN_BY_THEN, *([] if newest is None else [min(newest, now)])]
        )
        return min([until, window.left_out or until, *(run.last_updated or since for run in left)])

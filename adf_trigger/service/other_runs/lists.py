"""Lists the ended runs of a factory, in windows that a tick can read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun
from adf_trigger.errors import Throttled
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.other_runs.observing import Gap
from adf_trigger.service.other_runs.unreadable import Suspect, WindowReader, narrow_down
from adf_trigger.service.watching.ended_runs import EndedRuns, Wanted, ended_filter
from adf_trigger.service.watching.monitor import NEVER_LATER, Listed

logger = logging.getLogger(__name__)

LEAST_SPAN = timedelta(seconds=1)
"""Minimum window of a list, where more runs have ended than a tick can read, or some cannot be read."""

MOST_DOUBLINGS = 20
"""Each window that is skipped makes the next one twice as long, up to 12 days: few suffice for any number of runs."""

MOST_CLOCK_ERROR = timedelta(minutes=30)
"""Maximum lead of our clock over Data Factory's that loses no run."""

SHOWN_BY_THEN = timedelta(hours=12)
"""Maximum lag of lists: the next one need not begin earlier, even if no run has ended for long."""


@dataclass(frozen=True, slots=True)
class Window:
    """The result of a list.

    Attributes:
        found: the runs of others, and how far the list went.
        until: where the window ended, before the present; None where it did not.
        suspect: the window behind it that could not be read; None where there is none.
    """

    found: EndedRuns
    until: datetime | None = None
    suspect: Suspect | None = None

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
        self._suspects: dict[tuple[str, str], Suspect] = {}

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
        gaps: Sequence[Gap] = (),
    ) -> Window:
        """List runs that have ended since a time: at most half of the calls are for the list, the rest for its runs.

        Where that does not suffice, the next list has a window a quarter as long, so that one is complete in the end.
        Where a page cannot be read though Data Factory answers, the result is what precedes the unreadable window.

        Args:
            factory: whose runs.
            since: the instant, by Data Factory's clock.
            budget: calls and time.
            wanted: which runs are decoded.
            pipeline: as Data Factory spells it; None for all.
            gaps: windows that are skipped: all runs before them are published or held.

        Raises:
            DataFactoryError, CredentialError: listing failed.
        """
        key, now = (factory.id, pipeline or ""), self._clock()
        reader = WindowReader(factory, _filters(pipeline), budget, wanted, now)
        read_to = max((gap.before for gap in gaps), default=since - self._overlap)
        begins, since = max(since - self._overlap, read_to), max(since, read_to)
        suspect = self._suspects.get(key)
        # The time may be earlier than when it was found: runs were held, or another host wrote the progress.
        if suspect is not None and suspect.before > begins and since >= suspect.after:
            window = self._narrowed(reader, replace(suspect, after=max(suspect.after, begins)), gaps)
            self._suspects.pop(key, None)
            return window
        span = self._spans.get(key)
        until = None if span is None or since + span >= now - self._overlap else since + span
        narrower = max(LEAST_SPAN, ((until or now) - since) / 4)
        try:
            found = reader.read(begins, now + NEVER_LATER if until is None else until)
        except Throttled:
            if reader.has_read:
                self._spans[key] = narrower  # else a long list may be cut off each time
            raise
        if found.error is not None and reader.left > 0 and reader.answers():
            logger.warning(
                "Ended runs of %s since %s cannot be listed, though Data Factory answers: %s",
                factory.alias,
                begins,
                found.error,
                extra={"action": "observed_window_unreadable", "factory": factory.id},
            )
            around = self._read_around(reader, begins, until, gaps)
            if not around.complete:
                self._spans[key] = narrower
            return around
        if found.error is not None and not reader.has_read:
            raise found.error
        if not found.complete:
            self._spans[key] = narrower
        elif until is None:
            self._spans.pop(key, None)
        elif span is not None:
            self._spans[key] = span * 2
        return Window(found, None if until is None else self._surely_read(found, since, until))

    def _surely_read(self, found: EndedRuns, since: datetime, until: datetime) -> datetime:
        """Until when a list that ended before the present is complete, though our clock may be ahead."""
        surely = self._clock() - self._overlap - MOST_CLOCK_ERROR
        return min(until, max(since, surely, found.newest or since))

    def _read_around(
        self, reader: WindowReader, begins: datetime, until: datetime | None, gaps: Sequence[Gap]
    ) -> Window:
        """Read what precedes an unreadable run, and what follows it once it is older than lists lag.

        It is skipped no earlier than lists are complete up to it by Data Factory's clock, which the newest run shows.
        """
        recent = self._clock() - self._overlap
        surely = recent - MOST_CLOCK_ERROR
        if until is not None and until > surely:
            until = None
        if until is None and reader.left > 1:
            newest = reader.read(recent, self._clock() + NEVER_LATER).newest
            settled = surely if newest is None else min(recent, max(surely, newest - self._overlap))
            settled = max(begins, settled)
            if settled <= begins or reader.read(begins, settled).complete:
                if settled < recent:  # what precedes it there is published, and listed again
                    self._narrowed(reader, Suspect(settled, recent), gaps)
                return Window(reader.all_found(), settled)
            until = settled
        if until is None or until <= begins:
            return Window(replace(reader.all_found(), complete=False))
        return self._narrowed(reader, Suspect(begins, until), gaps)

    def _narrowed(self, reader: WindowReader, suspect: Suspect, gaps: Sequence[Gap]) -> Window:
        left = narrow_down(reader, suspect, LEAST_SPAN * (1 << min(len(gaps), MOST_DOUBLINGS)))
        if isinstance(left, Suspect):
            return Window(reader.all_found(), left.after, left)
        return Window(reader.all_found(), left)

    def resume(self, factory: FactoryHandle, suspect: Suspect, pipeline: str | None = None) -> None:
        """Continue to narrow a window in the next tick; all runs before it are published or held."""
        self._suspects[factory.id, pipeline or ""] = suspect

    def list_gap(self, factory: FactoryHandle, gap: Gap, budget: Budget, wanted: Wanted) -> EndedRuns:
        """List the runs of a window that was skipped; the result has the error where it still cannot be read.

        Raises:
            DataFactoryError, CredentialError: no window can be read now.
        """
        reader = WindowReader(factory, _filters(gap.pipeline), budget, wanted, self._clock())
        return reader.read(gap.after, gap.before)

    def since_after(self, gap_end: datetime) -> datetime:
        """The time since which a list begins at the end of a window that is skipped."""
        return gap_end + self._overlap

    def next_since(self, window: Window, since: datetime, left: Sequence[PipelineRun]) -> datetime:
        """Where the next list begins: where this one ended, by Data Factory's clock, and never ahead of ours.

        Runs that are left are listed again, however long that takes.
        """
        now, newest = self._clock(), window.found.newest
        until = window.until or max(
            [since, now - SHOWN_BY_THEN, *([] if newest is None else [min(newest, now)])]
        )
        return min([until, window.left_out or until, *(run.last_updated or since for run in left)])


def _filters(pipeline: str | None) -> Sequence[FieldFilter]:
    named = FieldFilter(operand="PipelineName", operator="Equals", values=(pipeline or "",))
    return (ended_filter(),) if pipeline is None else (ended_filter(), named)

"""Reads lists of ended runs page by page, and keeps a bounded number of the runs that are needed.

A list shows all runs of a factory that have ended in its window. Thousands of them may be of no interest: runs of
others, and runs that an earlier list has shown. These are inspected, but never decoded.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import FieldFilter, Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.datafactory.port import PipelineRuns
from adf_trigger.errors import DataFactoryError, FactoryUnusable, Throttled
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.watching.ends import MAX_CLOCK_LEAD

MOST_HELD = 2_000
"""Maximum runs of a list that are held for one purpose: more than a tick can record. The oldest are held."""

MOST_CHARACTERS = 8_000_000
"""Maximum characters of the messages and parameters of all runs that are held for one purpose; one is always held."""

_NOT_NEEDED: Mapping[str, Any] = {"parameters": {}, "run_dimension": {}, "invoked_by": None}
"""The fields that the end of one of our runs does not use."""

Wanted = Callable[[RunGlance], bool]


@cache
def ended_filter() -> FieldFilter:
    """The filter of ended runs, built on first use rather than at import."""
    return FieldFilter(operand="Status", operator="In", values=tuple(sorted(ENDED_IN_DATA_FACTORY)))


def none_wanted(_: RunGlance) -> bool:
    """Want no runs of others."""
    return False


class OldestRuns:
    """Holds the oldest of the runs that are added, within the limits above.

    Args:
        now: stands for the last update of a run that has none.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._runs: dict[UUID, PipelineRun] = {}
        self._characters = 0
        self.left_out_since: datetime | None = None
        """The earliest last update of the runs that were left out."""

    def add(self, run: PipelineRun) -> None:
        """Add a run, or replace it by its newer state."""
        self._runs[run.run_id] = run
        self._characters += _characters(run)
        if len(self._runs) >= 2 * MOST_HELD or self._characters >= 2 * MOST_CHARACTERS:
            self._leave_out()

    def oldest_first(self) -> Sequence[PipelineRun]:
        """The runs that are held, oldest first."""
        self._leave_out()
        return list(self._runs.values())

    def _leave_out(self) -> None:
        held: dict[UUID, PipelineRun] = {}
        characters = 0
        for run in sorted(self._runs.values(), key=lambda run: (run.last_updated or self._now, run.run_id)):
            more = characters + _characters(run)
            if held and (len(held) >= MOST_HELD or more > MOST_CHARACTERS):
                updated = run.last_updated or self._now
                self.left_out_since = min(self.left_out_since or updated, updated)
                break
            characters = more
            held[run.run_id] = run
        self._runs, self._characters = held, characters


def _characters(run: PipelineRun) -> int:
    """The characters of the fields of a run that may be long."""
    texts = (run.message, *run.parameters.values(), *run.run_dimension.values())
    return sum(len(each if isinstance(each, str) else repr(each)) for each in texts if each is not None)


@dataclass(frozen=True, slots=True)
class EndedRuns:
    """The result of reading a list.

    Attributes:
        shown: the ids of our runs that it showed as ended.
        ours: these runs, without the fields that an end does not use, oldest first.
        ours_left_out: the earliest update of those that were left out, over the limits.
        others: the other runs that were wanted, oldest first.
        others_left_out: likewise.
        newest: the latest plausible update of any run in it; None where there was none.
        complete: whether all of it was read.
        error: why reading failed after at least one page was read.
    """

    shown: Collection[UUID]
    ours: Sequence[PipelineRun]
    ours_left_out: datetime | None
    others: Sequence[PipelineRun]
    others_left_out: datetime | None
    newest: datetime | None
    complete: bool
    error: DataFactoryError | None = None


class _Reader:
    """Inspects the runs of a list as its pages are read."""

    def __init__(self, ours: Collection[UUID], others: Wanted, now: datetime) -> None:
        self._ours = ours
        self._others = others
        self._latest = now + MAX_CLOCK_LEAD
        self.newest: datetime | None = None
        self.shown: set[UUID] = set()
        self.held, self.held_for_others = OldestRuns(now), OldestRuns(now)
        self.pages = 0

    def wants(self, glance: RunGlance) -> bool:
        """Whether a run is needed; records how far the list reaches."""
        updated = glance.last_updated
        if updated and updated <= self._latest and (self.newest is None or updated > self.newest):
            self.newest = updated
        if glance.status not in ENDED_IN_DATA_FACTORY:
            return False
        return glance.run_id in self._ours or self._others(glance)

    def take(self, page: Page[PipelineRun]) -> None:
        """Hold the runs of a page that are needed."""
        self.pages += 1
        for run in page.items:
            if run.status not in ENDED_IN_DATA_FACTORY:
                continue
            if run.run_id in self._ours:
                self.shown.add(run.run_id)
                self.held.add(run.model_copy(update=_NOT_NEEDED))
            else:
                self.held_for_others.add(run)


def read_ended(
    runs: PipelineRuns,
    window: RunFilter,
    budget: Budget,
    *,
    now: datetime,
    at_most: int | None = None,
    ours: Collection[UUID] = (),
    others: Wanted = none_wanted,
) -> EndedRuns:
    """Read a list of ended runs. A page that cannot be read does not discard those before it.

    Args:
        runs: the runs of a factory.
        window: the filter of the list.
        budget: calls that may be spent, one a page.
        now: the current time.
        at_most: maximum pages.
        ours: runs whose ends are wanted.
        others: says which other runs are wanted.

    Raises:
        DataFactoryError, CredentialError: nothing was read, or the factory must not be called again now.
    """
    reader = _Reader(ours, others, now)
    pages = runs.query_runs(window, wanted=reader.wants)
    complete, error = False, None
    try:
        complete = budget.read_each(pages, reader.take, at_most=at_most)
    except (Throttled, FactoryUnusable):
        raise
    except DataFactoryError as exc:
        if not reader.pages:
            raise
        error = exc
    return EndedRuns(
        reader.shown,
        reader.held.oldest_first(),
        reader.held.left_out_since,
        reader.held_for_others.oldest_first(),
        reader.held_for_others.left_out_since,
        reader.newest,
        complete,
        error,
    )

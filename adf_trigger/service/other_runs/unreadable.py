"""Narrows down which part of a list cannot be read, so that the runs before and after it are published.

One run may make every page that shows it fail. A list whose window includes it then fails in each tick, whatever
else the window has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.datafactory.models import FieldFilter, RunFilter, RunGlance
from adf_trigger.errors import DataFactoryError, FactoryUnusable, NotSent, Throttled
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.watching.ended_runs import EndedRuns, OldestRuns, Wanted, read_ended

NO_PIPELINE = "adf-trigger-no-such-pipeline"
"""A list of the runs of this pipeline is empty: it fails where no list can be read."""

LEAST = timedelta(milliseconds=1)
"""A window of more runs than a tick can read is not halved below this."""

PROBED = timedelta(minutes=1)
"""The window of such a list."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A window with something that cannot be read.

    Attributes:
        after: all runs that ended before were read.
        before: its end.
        is_proved: whether it is as short as it can be, could not be read, and another list could right after it.
    """

    after: datetime
    before: datetime
    is_proved: bool = False


class WindowReader:
    """Reads windows of a factory's ended runs, for at most half of the calls that are left.

    Args:
        factory: whose runs.
        filters: of each list.
        budget: calls and time.
        wanted: which runs are decoded.
        now: the current time.
    """

    def __init__(
        self,
        factory: FactoryHandle,
        filters: Sequence[FieldFilter],
        budget: Budget,
        wanted: Wanted,
        now: datetime,
    ) -> None:
        self._factory = factory
        self._filters = tuple(filters)
        self._budget = budget
        self._wanted = self._noticing(wanted)
        self._now = now
        self._reserved = budget.left // 2 if budget.left > 1 else 0
        self._runs = OldestRuns(now)
        self._left_out: list[datetime] = []
        self.has_read = False
        """Whether any run was listed, wanted or not."""

    def _noticing(self, wanted: Wanted) -> Wanted:
        def is_wanted(run: RunGlance) -> bool:
            self.has_read = True
            return wanted(run)

        return is_wanted

    @property
    def left(self) -> int:
        """The pages that may still be read."""
        return max(0, self._budget.left - self._reserved)

    def read(self, after: datetime, before: datetime) -> EndedRuns:
        """Read a window; where a page cannot be read, the result has its error and the runs of the pages before it.

        Raises:
            Throttled, FactoryUnusable, NotSent, CredentialError: no other window can be read now either.
        """
        window = RunFilter(last_updated_after=after, last_updated_before=before, filters=self._filters)
        try:
            found = read_ended(
                self._factory.runs,
                window,
                self._budget,
                now=self._now,
                at_most=self.left,
                others=self._wanted,
            )
        except (Throttled, FactoryUnusable, NotSent):
            raise
        except DataFactoryError as exc:
            found = EndedRuns((), (), None, (), None, None, complete=False, error=exc)
        for run in found.others:
            self._runs.add(run)
        if found.others_left_out is not None:
            self._left_out.append(found.others_left_out)
        return found

    def answers(self) -> bool:
        """Whether a list that shows no run can be read, so that a window that cannot is at fault itself.

        Raises:
            Throttled, FactoryUnusable, NotSent, CredentialError: no window can be read now.
        """
        nothing = FieldFilter(operand="PipelineName", operator="Equals", values=(NO_PIPELINE,))
        window = RunFilter(
            last_updated_after=self._now - PROBED, last_updated_before=self._now, filters=(nothing,)
        )
        try:
            return read_ended(self._factory.runs, window, self._budget, now=self._now, at_most=1).complete
        except (Throttled, FactoryUnusable, NotSent):
            raise
        except DataFactoryError:
            return False

    def all_found(self) -> EndedRuns:
        """The runs of all windows that were read."""
        others = self._runs.oldest_first()
        left_out = [*self._left_out, *([] if (since := self._runs.left_out_since) is None else [since])]
        return EndedRuns((), (), None, others, min(left_out, default=None), None, complete=True)


def narrow_down(reader: WindowReader, suspect: Suspect, shortest: timedelta) -> Suspect | datetime:
    """Halve a window until it is the shortest one that cannot be read, while the calls last.

    Args:
        reader: reads windows.
        suspect: the window.
        shortest: a window of this length is not halved.

    Returns:
        What is left of it; or its end, where all of it was read.

    Raises:
        Throttled, FactoryUnusable, NotSent, CredentialError: as `WindowReader.read`.
    """
    after, before = suspect.after, suspect.before
    while reader.left > 0:
        is_shortest = before - after <= shortest
        middle = before if is_shortest else after + (before - after) / 2
        found = reader.read(after, middle)
        if found.complete:
            after = middle
            if is_shortest:
                return before
        elif found.error is None:  # no more calls: the next window is short enough for them
            is_long = is_shortest and found.newest is not None
            return Suspect(after, after + max((middle - after) / 2, LEAST) if is_long else middle)
        elif is_shortest:
            return Suspect(after, before, is_proved=reader.answers())
        else:
            before = middle
    return Suspect(after, before)

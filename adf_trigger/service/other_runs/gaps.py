"""Skips windows whose list cannot be read, and notes them so that they are tried again."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.other_runs.lists import LEAST_SPAN, OtherRunLister, Window
from adf_trigger.service.other_runs.observing import Gap, ObservationKeeper
from adf_trigger.service.watching.ended_runs import EndedRuns

logger = logging.getLogger(__name__)

TRIED_FOR = timedelta(days=7)
"""A skipped window is given up after this time. No record is purged earlier, so that none is published again."""

PAST_ITS_END = timedelta(milliseconds=1)
"""Both ends of a window are included: the next list begins after a run that ended exactly at the end of this one."""

MOST_GAPS = 30
"""Maximum windows of a factory that are skipped. Where there are more, the last one is extended."""

MOST_SPLIT = 16
"""Fewer windows than this are halved when they still cannot be read, so that the runs around are published."""


class GapSkipper:
    """Notes skipped windows, and forgets them once they were read or given up.

    Args:
        lists: lists ended runs.
        observing: keeps the notes.
        clock: returns the current time.
    """

    def __init__(self, lists: OtherRunLister, observing: ObservationKeeper, clock: Clock) -> None:
        self._lists = lists
        self._observing = observing
        self._clock = clock

    def skip(
        self, factory: FactoryHandle, window: Window, gaps: Sequence[Gap], pipeline: str | None = None
    ) -> datetime | None:
        """Note the unreadable window behind a list all of whose runs are published or held; returns its end.

        None where there is none, where it has to be narrowed further, or where another host's note comes first.

        Args:
            factory: whose runs.
            window: the list.
            gaps: windows that are skipped.
            pipeline: whose runs were listed; None for all.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        suspect = window.suspect
        if suspect is None or (window.left_out is not None and window.left_out <= suspect.before):
            return None
        if not suspect.is_proved:
            self._lists.resume(factory, suspect, pipeline)
            return None
        now, before = self._clock(), suspect.before + PAST_ITS_END
        around = [gap.before for gap in gaps if gap.after <= suspect.after and before <= gap.before]
        if around:
            return max(around)
        gap = Gap(suspect.after, before, noted=now, tried=now)
        if len(gaps) >= MOST_GAPS:
            if pipeline is not None:
                return None  # else runs of other pipelines that nobody has listed yet could be skipped
            last = max(gaps, key=lambda each: each.before)
            gap = replace(last, after=min(last.after, gap.after), before=max(last.before, before), noted=now)
        if not self._observing.skip(factory.id, gap):
            return None
        logger.error(
            "Runs of %s that ended between %s and %s cannot be listed: skipped, and tried again for %d days",
            factory.alias,
            suspect.after,
            before,
            TRIED_FOR.days,
            extra={"action": "observed_window_skipped", "factory": factory.id},
        )
        return before

    def tried(
        self, factory: FactoryHandle, gap: Gap, gaps: Sequence[Gap], found: EndedRuns, *, is_whole: bool
    ) -> None:
        """Note the outcome of another try.

        Args:
            factory: whose runs.
            gap: the window.
            gaps: all windows that are skipped.
            found: its list.
            is_whole: whether all runs of the window are published or held now.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        now = self._clock()
        if is_whole:
            self._observing.release(factory.id, gap)
            logger.info(
                "Runs of %s that ended between %s and %s, which were skipped, have been listed",
                factory.alias,
                gap.after,
                gap.before,
                extra={"action": "observed_window_read", "factory": factory.id},
            )
        elif now - gap.noted >= TRIED_FOR:
            self._observing.release(factory.id, gap)
            logger.error(
                "Runs of %s that ended between %s and %s could not be listed for %d days: giving up: %s",
                factory.alias,
                gap.after,
                gap.before,
                TRIED_FOR.days,
                found.error or "there are too many",
                extra={"action": "observed_window_given_up", "factory": factory.id},
            )
        elif found.error is None and found.complete:
            return  # the rest of its runs is due in the next tick
        elif len(gaps) < MOST_SPLIT and gap.before - gap.after > LEAST_SPAN:
            middle = gap.after + (gap.before - gap.after) / 2
            for after, before in ((gap.after, middle), (middle, gap.before)):
                self._observing.skip(factory.id, Gap(after, before, gap.noted, now, gap.tries))
            self._observing.release(factory.id, gap)
        else:
            self._observing.skip(factory.id, replace(gap, tried=now, tries=gap.tries + 1))

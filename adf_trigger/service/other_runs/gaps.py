"""Skips windows whose list cannot be read, and notes them so that they are tried again."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.other_runs.lists import LEAST_SPAN, OtherRunLister, Window
from adf_trigger.service.other_runs.observing import Gap, Held, ObservationKeeper
from adf_trigger.service.watching.ended_runs import EndedRuns

logger = logging.getLogger(__name__)

TRIED_FOR = timedelta(days=7)
"""A skipped window is given up after this time. No record is purged earlier, so that none is published again."""

LEAST_TRIES = 10
"""A window is not given up after fewer tries: the app may have been stopped for days."""

LONGEST_EXTENDED = timedelta(hours=12)
"""An extended window is no longer: runs between its parts were published before it was noted, and their records must
not be purged while it is tried."""

PAST_ITS_END = timedelta(milliseconds=1)
"""Both ends of a window are included: the next list begins after a run that ended exactly at the end of this one."""

MOST_GAPS = 30
"""Windows of a factory that are skipped. Where there are more, the last one is extended, up to LONGEST_EXTENDED."""

MOST_SPLIT = 16
"""Fewer windows than this are halved when they still cannot be read, so that the runs around are published."""

MOST_SPLIT_SINCE_LONG = 100
"""Likewise where they have too many runs for a tick. The shortest are tried first, so that they stay few."""


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
        self, factory: FactoryHandle, window: Window, gaps: Sequence[Gap], held: Held | None = None
    ) -> datetime | None:
        """Note the unreadable window behind a list all of whose runs are published or held; returns its end.

        None where there is none, where it has to be narrowed further, or where another host's note comes first.

        Args:
            factory: whose runs.
            window: the list.
            gaps: windows that are skipped.
            held: the held runs that were listed; None where all runs were.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        suspect = window.suspect
        if suspect is None or (window.left_out is not None and window.left_out <= suspect.before):
            return None
        if not suspect.is_proved:
            self._lists.resume(factory, suspect, None if held is None else held.pipeline)
            return None
        now, before = self._clock(), suspect.before + PAST_ITS_END
        of_all = [gap for gap in gaps if gap.pipeline is None]
        around = [gap.before for gap in of_all if gap.after <= suspect.after and before <= gap.before]
        if around:
            return max(around)
        gap = Gap(suspect.after, before, noted=now, tried=now)
        if held is not None:
            if len(gaps) >= MOST_GAPS:
                return None
            gap = replace(gap, pipeline=held.pipeline, doubted=held.doubted)
        elif len(gaps) >= MOST_GAPS and of_all:
            last = max(of_all, key=lambda each: each.before)
            after, end = min(last.after, gap.after), max(last.before, before)
            if end - after <= LONGEST_EXTENDED:
                gap = replace(last, after=after, before=end, noted=now)
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
        elif found.error is None and (found.complete or found.newest is None):
            return  # the rest of its runs is due in the next tick
        elif now - gap.noted >= TRIED_FOR and gap.tries >= LEAST_TRIES:
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
        elif gap.before - gap.after > LEAST_SPAN and len(gaps) < (
            MOST_SPLIT_SINCE_LONG if found.error is None else MOST_SPLIT
        ):
            middle = gap.after + (gap.before - gap.after) / 2
            # Halves of a window with too many runs are due at once.
            half = replace(gap, tried=gap.tried if found.error is None else now, name="", etag="")
            self._observing.skip(factory.id, replace(half, before=middle))
            self._observing.skip(factory.id, replace(half, after=middle))
            self._observing.release(factory.id, gap)
        else:
            self._observing.skip(factory.id, replace(gap, tried=now, tries=gap.tries + 1))

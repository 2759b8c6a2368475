"""Finds the requests in line that may get a place now, for the dispatcher."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from adf_trigger.ledger.places import KeptPlaces, Places
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunState, Waits
from adf_trigger.ledger.unreadable import readable
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.others import OtherRuns, count_of
from adf_trigger.service.admission.start_times import StartTimes
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.holds.hold import Holds

FEW_ROWS = 20
"""Maximum rows of places that are read one by one; where more are needed, all are read in one query."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A line whose first request may get a place.

    Attributes:
        places: name of its places.
        rows: the requests that wait in it, in order of arrival.
        room: how many of them may get a place; None where the policy does not limit them any more.
        is_held: whether an operator holds it, so that none of them is started.
        others: runs of others that count against the limit.
    """

    places: str
    rows: Sequence[ActiveRun]
    room: int | None = None
    is_held: bool = False
    others: int = 0

    @property
    def first(self) -> ActiveRun:
        """The request whose turn it is."""
        return self.rows[0]


class Lines:
    """Reads lines.

    Args:
        ledger: the run ledger.
        admission: knows which requests hold a place.
        times: when a request may be taken up, and until when it may be started.
        other_runs: lists the runs that others have started.
    """

    def __init__(
        self, ledger: LedgerReader, admission: Admission, times: StartTimes, other_runs: OtherRuns
    ) -> None:
        self._ledger = ledger
        self._admission = admission
        self._times = times
        self._other_runs = other_runs

    def openings(
        self, factory: FactoryHandle, active: Sequence[ActiveRun], holds: Holds, budget: Budget
    ) -> Sequence[Opening]:
        """The lines that may have room now, in order of their first requests; costs nothing where none waits.

        Requests that are recorded as held wait for the release, and not for room.

        The places are read before the rows: each request that was in line then, and still waits, is among the rows. A
        request that has come since has a higher number than the places have issued, and is left to the next call.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        waiting = [row for row in active if is_in_line(row) and not holds.keep(row.held)]
        before = {row.request_id for row in waiting}
        names = {row.places for row in waiting if row.places is not None}
        if not names:
            return []
        kept = self._places(factory.id, names)
        rows = self._ledger.active(factory.id)
        by_request = {row.request_id: row for row in rows}
        others = self._others(factory, [kept[name].places for name in names if name in kept], rows, budget)
        in_line = defaultdict[str | None, list[ActiveRun]](list)
        for row in rows:
            if is_in_line(row) and not self._times.is_too_late(row, holds) and not holds.keep(row.held):
                in_line[row.places].append(row)
        found = []
        for name in names:
            issued = kept[name].places.issued if name in kept else 0
            line = [
                row for row in in_line[name] if row.request_id in before or (row.place_number or 0) <= issued
            ]
            if line and name in kept and holds.cover(kept[name].places.pipeline, kept[name].places.key):
                found.append(Opening(name, sorted(line, key=in_order), is_held=True))
                continue
            beside = others.get(name, 0)
            room = self._room(factory.id, kept.get(name), by_request) if line and beside is not None else 0
            if room is not None and beside is not None:
                room = max(0, room - beside)
            if room != 0:
                found.append(Opening(name, sorted(line, key=in_order), room, others=beside or 0))
        return sorted(found, key=lambda opening: (opening.first.requested_at, opening.first.request_id))

    def _room(self, factory: str, kept: KeptPlaces | None, rows: Mapping[str, ActiveRun]) -> int | None:
        return None if kept is None else self._admission.room(factory, kept.places, rows)

    def _others(
        self, factory: FactoryHandle, places: Sequence[Places], rows: Sequence[ActiveRun], budget: Budget
    ) -> Mapping[str, int | None]:
        """How many runs of others count against each limit, where they count; None where that is not known now."""
        counted = [each for each in places if self._admission.counts_others(each)]
        ours = {row.run_id for row in rows}
        lists = {
            name: self._other_runs.unfinished(factory, name, ours, budget)
            for name in {each.pipeline for each in counted}
        }
        return {
            each.name: None if (runs := lists[each.pipeline]) is None else count_of(runs, each)
            for each in counted
        }

    def _places(self, factory: str, names: Collection[str]) -> Mapping[str, KeptPlaces]:
        if len(names) > FEW_ROWS:
            return {kept.places.name: kept for kept in self._ledger.all_places(factory)}
        found = ((name, readable(name, self._ledger.places, factory, name)) for name in names)
        return {name: kept for name, kept in found if kept is not None}


def is_in_line(row: ActiveRun) -> bool:
    """Whether a request waits for a place."""
    return row.state is RunState.ACCEPTED and row.waits_for is Waits.ADMISSION


def in_order(row: ActiveRun) -> tuple[int, str]:
    """The sort key of a request in its line: lower keys come first."""
    return row.place_number or 0, f"{row.requested_at.isoformat()} {row.request_id}"

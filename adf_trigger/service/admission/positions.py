"""The position of a request in line: counted where that is cheap, else estimated from the numbers of the line."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from adf_trigger.contracts import PlaceInLine
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, Waits
from adf_trigger.service.admission.keys import places_of
from adf_trigger.service.admission.line import in_order, is_in_line
from adf_trigger.service.policy import Policies

MOST_COUNTED = 1_000
"""Maximum unfinished requests of a factory with which positions are counted: one read of storage."""

KNOWN_FOR = 2.0
"""Seconds for which a count is reused, for all callers of a process."""

Standing = tuple[int, str]
"""The sort key of a request in its line."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The lines of a factory as they were counted.

    Attributes:
        began_at: when, in seconds of the monotonic clock.
        lines: name of places → the requests in line, in order of arrival.
        is_all: whether all waiting requests were counted.
        served: name of places → the last number that was let in, read on demand.
    """

    began_at: float
    lines: Mapping[str, Sequence[Standing]]
    is_all: bool
    served: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    """The reads of one factory, one at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    last: _Look | None = None


class LinePositions:
    """Determines how many requests are before one in line. Thread-safe.

    Args:
        ledger: the run ledger.
        policies: the policy of each pipeline.
        seconds: a monotonic clock.
    """

    def __init__(self, ledger: LedgerReader, policies: Policies, *, seconds: Callable[[], float]) -> None:
        self._ledger = ledger
        self._policies = policies
        self._seconds = seconds
        self._readers: dict[str, _Reader] = defaultdict(_Reader)
        self._lock = threading.Lock()

    def of(self, record: RunRecord) -> PlaceInLine | None:
        """The position of a request, as of at most KNOWN_FOR seconds ago.

        None where it is in no line, or in the line of another policy, from which the next tick moves it; and where the
        ledger is out of reach, which does not prevent the rest of the request from being shown.
        """
        if record.waits_for is not Waits.ADMISSION or record.ended:
            return None
        policy = self._policies.of(record.pipeline).admission
        if policy is None or record.places != places_of(record, policy).name:
            return None
        try:
            return self._counted(record, record.places)
        except LedgerError:
            return None

    def behind(self, factory: str, places: str) -> PlaceInLine:
        """The position that a request would get at the end of a line now.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        look = self._look(factory)
        kept = self._ledger.places(factory, places)
        line = look.lines.get(places, ())
        waiting = 0 if kept is None else max(0, kept.places.issued - kept.places.served)
        return PlaceInLine(before=len(line) if look.is_all else waiting, exact=look.is_all)

    def _counted(self, record: RunRecord, places: str) -> PlaceInLine:
        look = self._look(record.factory)
        own = in_order(ActiveRun.of(record))
        line = look.lines.get(places, ())
        before = bisect_left(line, own)
        if look.is_all and line[before : before + 1] == [own]:
            return PlaceInLine(before=before, exact=True)
        served = self._served(look, record.factory, places)
        again = bisect_left(line, (served + 1, ""))  # numbers that were served, and wait again, come first
        by_number = max(0, (record.place_number or 0) - served - 1)
        # It came after the read: the position is exact where that read shows every number before its own.
        return PlaceInLine(before=by_number + again, exact=look.is_all and before - again == by_number)

    def _served(self, look: _Look, factory: str, places: str) -> int:
        served = look.served.get(places)
        if served is None:
            kept = self._ledger.places(factory, places)
            served = look.served[places] = 0 if kept is None else kept.places.served
        return served

    def _look(self, factory: str) -> _Look:
        with self._lock:
            reader = self._readers[factory]
        last = reader.last
        # While another thread reads, the last count is used.
        if not reader.lock.acquire(blocking=last is None):
            return last or self._look(factory)
        try:
            now = self._seconds()
            if reader.last is None or now - reader.last.began_at >= KNOWN_FOR:
                page = self._ledger.some_active(factory, limit=MOST_COUNTED)
                found: dict[str, list[Standing]] = defaultdict(list)
                for row in page.rows:
                    if is_in_line(row) and row.places is not None:
                        found[row.places].append(in_order(row))
                lines = {name: sorted(line) for name, line in found.items()}
                reader.last = _Look(now, lines, page.is_all)
            return reader.last
        finally:
            reader.lock.release()

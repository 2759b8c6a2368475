"""How many stand before a request in line: counted where that is cheap, else as the numbers of the line say."""

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
"""Requests that have not ended up to which those in line are counted: one read of storage, whatever else is kept."""

KNOWN_FOR = 2.0
"""Seconds for which what was counted is used again, for all callers of a process together."""

Standing = tuple[int, str]
"""Where a request stands: lines are sorted by it."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The lines of a factory as they were counted.

    Attributes:
        began_at: seconds, by the clock that never goes back.
        lines: name of places → who stands there, first come first.
        is_all: whether all that wait were counted.
        served: name of places → the last number that was let in, of those that were asked for since.
    """

    began_at: float
    lines: Mapping[str, Sequence[Standing]]
    is_all: bool
    served: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    """The looks at one factory, one at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    last: _Look | None = None


class LinePositions:
    """Tells requests in line how many are before them. Threads may share it.

    Args:
        ledger: the run ledger.
        policies: what may be decided for each pipeline.
        seconds: a clock that never goes back.
    """

    def __init__(self, ledger: LedgerReader, policies: Policies, *, seconds: Callable[[], float]) -> None:
        self._ledger = ledger
        self._policies = policies
        self._seconds = seconds
        self._readers: dict[str, _Reader] = defaultdict(_Reader)
        self._lock = threading.Lock()

    def of(self, record: RunRecord) -> PlaceInLine | None:
        """Where a request stands, as it was seen in the last KNOWN_FOR seconds.

        None where it stands in no line, or in that of another policy, which the next tick sees to; and where the ledger
        is out of reach, since the rest of what is known of the request is told all the same.
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
        """Where a request would stand that joined a line now.

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
        again = bisect_left(line, (served + 1, ""))  # they come first, whatever their numbers
        by_number = max(0, (record.place_number or 0) - served - 1)
        # It came after the look: where the look has shown everybody who was given a number before it, it has all.
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
        # Who comes while another one reads is told what was counted before.
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

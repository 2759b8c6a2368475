"""The notes about the runs of others: since when they are published, and up to which instant.

    observe|since|{app}|{policy}   since when a policy has had runs of others published
    observe|place|{app}            until when all ended runs are published or held, and how far the history was searched
    observe|held|{app}|{pipeline}  from when on runs of a pipeline are held, since a request of it is in doubt
    observe|gap|{app}|{window}     a window of time whose list could not be read, so that it was skipped
    observe|doubt|{request}        a request in doubt, or of unknown fate: from when on runs may belong to it

An app's own notes have its mark, since several apps with different policies may share one table.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.steps import Steps

PREFIX = "observe|"

RETRY_FIRST = timedelta(minutes=1)
RETRY_AT_MOST = timedelta(hours=1)
MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class ObservationProgress:
    """The progress of publishing the runs of others.

    Attributes:
        until: runs that ended before are published or held.
        search: how far the history was searched for requests of unknown fate; None once it was searched whole.
        published: how many were published so far: for people, since the last writer wins.
    """

    until: datetime
    search: str | None = ""
    published: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request that may have started a run that is not known to be its own.

    Attributes:
        request_id: its requestId.
        pipeline: its pipeline.
        since: when its first createRun was sent.
        name: of its note.
        etag: of its note.
    """

    request_id: str
    pipeline: str
    since: datetime
    name: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Runs of a pipeline whose publication is held.

    Attributes:
        pipeline: as Data Factory spells it.
        since: runs that ended before are published.
        doubted: when the first createRun in doubt was sent.
        name: of its note.
        etag: of its note.
    """

    pipeline: str
    since: datetime
    doubted: datetime
    name: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A window of ended runs that could not be read. It is tried again ever less often, for days.

    Attributes:
        after: its beginning.
        before: its end.
        noted: when it was skipped.
        tried: when reading it was last tried.
        tries: how often that has failed since it was skipped.
        pipeline: the only one whose runs were skipped, since they were held; None for all.
        doubted: when the first createRun in doubt was sent for which they were held; earlier runs are published.
        name: of its note.
        etag: of its note.
    """

    after: datetime
    before: datetime
    noted: datetime
    tried: datetime
    tries: int = 0
    pipeline: str | None = None
    doubted: datetime | None = None
    name: str = ""
    etag: str = ""

    def is_due(self, now: datetime) -> bool:
        """Whether to try again: a minute after the first time, and twice as long after each further one."""
        wait = min(RETRY_FIRST * (1 << min(self.tries, MOST_DOUBLINGS)), RETRY_AT_MOST)
        return not timedelta() <= now - self.tried < wait  # a clock that was ahead has noted a time to come


@dataclass(frozen=True, slots=True)
class Observed:
    """All notes of one factory.

    Attributes:
        since: policy → since when it applies.
        place: the progress; None before the first.
        held: pipelines whose runs are held.
        doubts: requests in doubt.
        beside: further ids under which records of the factory are kept → their requests in doubt.
        gaps: windows that were skipped.
    """

    since: Mapping[str, datetime]
    place: ObservationProgress | None
    held: Sequence[Held]
    doubts: Sequence[Doubt]
    beside: Mapping[str, Sequence[Doubt]] = field(default_factory=dict)
    gaps: Sequence[Gap] = field(default_factory=list)


class ObservationKeeper:
    """Reads and writes these notes. Every method may raise LedgerError.

    Args:
        notes: of the ledger.
        mark: distinguishes this app from others on the same ledger.
        steps: surrounds each write.
    """

    def __init__(self, notes: Notes, mark: str, steps: Steps) -> None:
        self._notes = notes
        self._mark = mark
        self._steps = steps

    def read(self, factory: str) -> Observed:
        """Read the notes of a factory, in one query."""
        notes = self._notes.named(factory, PREFIX)
        places = [note for note in notes if note.name == self._place]
        return Observed(
            since={each.value["policy"]: _instant(each, "since") for each in self._own("since", notes)},
            place=_place_of(places[0]) if places else None,
            held=[
                Held(
                    each.value["pipeline"],
                    _instant(each, "since"),
                    _instant(each, "doubted"),
                    each.name,
                    each.etag,
                )
                for each in self._own("held", notes)
            ],
            doubts=[
                Doubt(
                    each.value["requestId"],
                    each.value["pipeline"],
                    _instant(each, "since"),
                    each.name,
                    each.etag,
                )
                for each in notes
                if each.name.startswith(f"{PREFIX}doubt|")
            ],
            gaps=[
                Gap(
                    _instant(each, "after"),
                    _instant(each, "before"),
                    _instant(each, "noted"),
                    _instant(each, "tried"),
                    each.value["tries"],
                    each.value.get("pipeline"),
                    _instant(each, "doubted") if each.value.get("doubted") else None,
                    each.name,
                    each.etag,
                )
                for each in self._own("gap", notes)
            ],
        )

    def keep_policies(
        self, factory: str, observed: Observed, names: Iterable[str], now: datetime
    ) -> Observed:
        """Note since when new policies apply, remove those that are gone, and note where to begin."""
        since, wanted = dict(observed.since), set(names)
        place, held = observed.place, observed.held
        if place is None and wanted:
            # Before any policy is noted: no run that it covers may end before the place.
            place = ObservationProgress(now)
            with self._steps("observing.move_on"):
                self._put_first(factory, self._place, _value_of(place))
        for name in sorted(wanted - since.keys()):
            with self._steps("observing.begin"):
                self._put_first(
                    factory, self._name("since", name), {"policy": name, "since": now.isoformat()}
                )
            since[name] = now
        for name in sorted(since.keys() - wanted):
            self._end(factory, self._name("since", name))
            del since[name]
        gaps = observed.gaps
        if not wanted and (place is not None or held or gaps):
            for name in [*(each.name for each in held), *(each.name for each in gaps)]:
                self._end(factory, name)
            self._end(factory, self._place)
            place, held, gaps = None, [], []
        return replace(observed, since=since, place=place, held=held, gaps=gaps)

    def _put_first(self, factory: str, name: str, value: dict[str, Any]) -> None:
        """Write a note unless another host was first; the next tick reads that one."""
        with suppress(LedgerConflict):
            self._notes.put(factory, name, value, "")

    def _end(self, factory: str, name: str) -> None:
        with self._steps("observing.end"):
            self._notes.remove(factory, name)

    def move_on(self, factory: str, place: ObservationProgress) -> None:
        """Write the progress; the last writer wins, which is safe since each has published all earlier runs."""
        with self._steps("observing.move_on"):
            self._notes.put(factory, self._place, _value_of(place))

    def doubt(self, factory: str, record: RunRecord) -> None:
        """Note that a request is in doubt, or of unknown fate, and since when."""
        since = record.doubted_from or record.sent_at or record.requested_at
        value = {"requestId": record.request_id, "pipeline": record.pipeline, "since": since.isoformat()}
        with self._steps("observing.doubt"):
            self._notes.put(factory, doubt_name(record.request_id), value)

    def settle(self, factory: str, doubt: Doubt) -> None:
        """Forget a doubt that is settled, unless it was noted again."""
        with self._steps("observing.settle"):
            self._remove(factory, doubt.name, doubt.etag)

    def hold(self, factory: str, held: Held) -> bool:
        """Note that runs of a pipeline are held, in place of the earlier note; False where that note has changed."""
        value = {
            "pipeline": held.pipeline,
            "since": held.since.isoformat(),
            "doubted": held.doubted.isoformat(),
        }
        try:
            with self._steps("observing.hold"):
                self._notes.put(factory, self._name("held", held.pipeline), value, held.etag)
        except LedgerConflict:
            return False
        return True

    def skip(self, factory: str, gap: Gap) -> bool:
        """Note that a window is skipped, in place of its earlier note; False where another host was first."""
        value = {
            "after": gap.after.isoformat(),
            "before": gap.before.isoformat(),
            "noted": gap.noted.isoformat(),
            "tried": gap.tried.isoformat(),
            "tries": gap.tries,
            "pipeline": gap.pipeline,
            "doubted": None if gap.doubted is None else gap.doubted.isoformat(),
        }
        # Of an extended window, half may be the one that it has its name of: `noted` keeps their notes apart.
        window = f"{value['after']}|{value['before']}|{value['noted']}|{gap.pipeline or ''}"
        name = gap.name or self._name("gap", window)
        try:
            with self._steps("observing.hold"):
                self._notes.put(factory, name, value, gap.etag)
        except LedgerConflict:
            return False
        return True

    def release(self, factory: str, held: Held | Gap) -> None:
        """Forget that runs are held, or skipped, unless they were noted again."""
        with self._steps("observing.release"):
            self._remove(factory, held.name, held.etag)

    def _remove(self, factory: str, name: str, etag: str) -> None:
        try:
            self._notes.remove(factory, name, etag)
        except LedgerConflict:
            return  # another host was first, or has newer information

    def _own(self, kind: str, notes: Sequence[Note]) -> Sequence[Note]:
        return [note for note in notes if note.name.startswith(f"{PREFIX}{kind}|{self._mark}|")]

    @property
    def _place(self) -> str:
        return f"{PREFIX}place|{self._mark}"

    def _name(self, kind: str, of: str) -> str:
        return f"{PREFIX}{kind}|{self._mark}|{_digest(of.lower())}"


def doubt_name(request_id: str) -> str:
    """The name of the note of a request in doubt."""
    return f"{PREFIX}doubt|{_digest(request_id)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _value_of(place: ObservationProgress) -> dict[str, Any]:
    return {"until": place.until.isoformat(), "search": place.search, "published": place.published}


def _place_of(note: Note) -> ObservationProgress:
    search: Any = note.value.get("search")
    published: Any = note.value.get("published", note.value.get("told"))  # earlier versions wrote `told`
    return ObservationProgress(
        _instant(note, "until"),
        search if isinstance(search, str) else None,
        published if isinstance(published, int) else 0,
    )


def _instant(note: Note, name: str) -> datetime:
    return datetime.fromisoformat(note.value[name])

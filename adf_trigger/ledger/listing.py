"""The listing of runs and its filters: the part that both adapters share.

A request has one short row in the listing, by time, newest first. It is written when the request is claimed and when it
has ended, so that the run costs no write in between; the state meanwhile is merged from the active rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adf_trigger.contracts import RunStatus, WaitsFor
from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.adapters import adapter_of
from adf_trigger.ledger.keys import newest_first
from adf_trigger.ledger.reasons import reason_of
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.messages.limits import shorten

LAST_WORDS = frozenset(
    {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.REJECTED, RunStatus.UNKNOWN}
)
"""Final statuses."""

MOST_PAGES = 10
"""Maximum pages of rows of one factory that are read for one page of a filtered list."""
MOST_RECORDS = 200
"""Maximum records of one factory that are read for a page, for entries whose rows do not suffice."""

_LONGEST_NAME = 300
"""Maximum characters of a name; requests are checked on arrival, rejected messages are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A list entry of a run, or of a rejected message.

    Attributes:
        factory: resource id of its factory; empty for a message whose factory is not known.
        run_id: its runId, once Data Factory has confirmed it.
        message_id: id of a rejected message.
        reason: one line.
        source: how it arrived; None in rows of earlier versions, and of a message.
        waits_for: why an accepted one is not started; only the record has it, not the row.
    """

    factory: str
    request_id: str
    pipeline: str
    status: str
    ended: bool
    requested_at: datetime
    run_id: UUID | None = None
    message_id: str | None = None
    reason: str | None = None
    correlation_id: str | None = None
    requested_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    rerun_of: UUID | None = None
    source: str | None = None
    waits_for: WaitsFor | None = None

    @classmethod
    def of(cls, record: RunRecord) -> "ListedRun":
        """The list entry of a record."""
        return cls(
            factory=record.factory,
            request_id=record.request_id,
            pipeline=record.pipeline,
            status=record.status,
            ended=record.ended,
            requested_at=record.requested_at,
            run_id=record.confirmed_run_id,
            reason=reason_of(record),
            correlation_id=record.correlation_id,
            requested_by=record.requested_by,
            started_at=record.started_at,
            ended_at=record.ended_at,
            duration_ms=record.duration_ms,
            rerun_of=record.rerun.reference_pipeline_run_id,
            source=record.source,
            waits_for=waits_for(record),
        )


_WAITS: Mapping[Waits, WaitsFor] = {
    Waits.ADMISSION: "line",
    Waits.JOINED: "joined",
    Waits.PIPELINE: "pipeline",
    Waits.CALLER: "caller",
}


def waits_for(record: RunRecord) -> WaitsFor | None:
    """Why an accepted request is not started, where the cause is its own; else None."""
    if record.state is not RunState.ACCEPTED:
        return None
    if record.held is not None:
        return "hold"
    return None if record.waits_for is None else _WAITS[record.waits_for]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The filter of a list.

    Attributes:
        statuses: the statuses of runs; None for all.
        pipeline: their pipeline, in any case of its letters.
        correlation_id: their correlation id.
        factories: the resource ids of their factories, in lower case; None for all.
        since: they were requested at this time or later.
        until: they were requested before this time.
    """

    statuses: frozenset[str] | None = None
    pipeline: str | None = None
    correlation_id: str | None = None
    factories: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it filters by more than time."""
        return any(
            each is not None for each in (self.statuses, self.pipeline, self.correlation_id, self.factories)
        )

    @property
    def wants_unfinished_only(self) -> bool:
        """Whether only unfinished runs are shown."""
        return self.statuses is not None and not self.statuses & LAST_WORDS

    def wants(self, run: ListedRun) -> bool:
        """Whether a run is shown; the listing itself applies `since` and `until`."""
        return (self.statuses is None or run.status in self.statuses) and self.may_want(run)

    def may_want(self, run: ListedRun) -> bool:
        """Whether a run may be shown, according to its immutable fields."""
        return (
            (self.pipeline is None or run.pipeline.lower() == self.pipeline.lower())
            and (self.correlation_id is None or run.correlation_id == self.correlation_id)
            and (self.factories is None or run.factory.lower() in self.factories)
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A run with its place in the listing: places sort in the order of the listing, newest first."""

    place: str
    run: ListedRun


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Part of the listing.

    Attributes:
        entries: the entries that match, in order; may be empty.
        read_to: the place up to which it was read, if more may follow; None at the end.
    """

    entries: Sequence[Entry]
    read_to: str | None


def place_of(requested_at: datetime, key: str) -> str:
    """The place of a request in the listing; `key` distinguishes requests of one instant."""
    return f"{newest_first(requested_at)}|{key}"


def before_instant(time: str) -> str:
    """A place before all requests of an instant (as by `newest_first`), and after all later ones."""
    return f"{time}|"


def behind_instant(time: str) -> str:
    """A place after all requests of an instant (as by `newest_first`), and before all earlier ones."""
    return f"{time}}}"


def bounds_of(question: Question, after: str) -> tuple[str, str]:
    """Two places, both excluded, between which all matches are."""
    first = max(after, behind_instant(newest_first(question.until)) if question.until else "")
    return first, behind_instant(newest_first(question.since)) if question.since else "}"


def page_of(entries: Iterable[Entry], limit: int) -> ListingPage:
    """The first entries of all."""
    first = sorted(entries, key=lambda entry: entry.place)[: limit + 1]
    return ListingPage(first[:limit], first[limit - 1].place if len(first) > limit else None)


def encode_listed(run: ListedRun) -> str:
    """Encode a list entry."""
    fields = adapter_of(ListedRun).dump_python(run, mode="json", exclude_none=True)
    cut = {
        name: shorten(text, _LONGEST_NAME) if isinstance(text, str) and name in _CUT else text
        for name, text in fields.items()
    }
    return json.dumps(cut, separators=(",", ":"), ensure_ascii=True)


_CUT = frozenset({"pipeline", "correlation_id", "requested_by", "status"})


def decode_listed(text: str) -> ListedRun:
    """Decode a list entry. Fields that this version does not know are ignored.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    try:
        return adapter_of(ListedRun).validate_python(json.loads(text))
    except ValueError as exc:
        raise UnreadableRow("a row of the listing cannot be decoded") from exc


def text_of(record: RunRecord) -> str:
    """Encode the listing row of a record: its immutable fields until it has ended, then all of them."""
    if record.ended:
        return encode_listed(ListedRun.of(record))
    return encode_listed(
        ListedRun(
            factory=record.factory,
            request_id=record.request_id,
            pipeline=record.pipeline,
            status=RunStatus.ACCEPTED,
            ended=False,
            requested_at=record.requested_at,
            correlation_id=record.correlation_id,
            requested_by=record.requested_by,
            rerun_of=record.rerun.reference_pipeline_run_id,
            source=record.source,
        )
    )

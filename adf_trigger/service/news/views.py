"""Records as callers and consumers see them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote

from adf_trigger.azure.clouds import PUBLIC
from adf_trigger.contracts import (
    HistoryEntry,
    JoinedRun,
    PlaceInLine,
    RunChoice,
    RunLinks,
    RunStatus,
    RunView,
)
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.kept_messages import Fate, KeptMessage
from adf_trigger.ledger.listing import ListedRun, waits_for
from adf_trigger.ledger.reasons import reason_of
from adf_trigger.ledger.records import JoinedTo, RunRecord
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.limits import one_line
from adf_trigger.messages.masking import MASK
from adf_trigger.readings import RunSummary
from adf_trigger.service.factories import Factories
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.news.links import Links

RELATIVE = Links()
_RELEASED = "it was held, and continues with the next tick"

REPLAY = "replay"
DISMISS = "resolve as dismiss"
"""Actions in the history of a request whose message was sent again, or dismissed."""

_ACTIONS = {"sent": REPLAY, "taken": REPLAY, "returned": REPLAY, "dismissed": DISMISS}


class RunViews:
    """Builds the views of records.

    Args:
        factories: all configured factories.
        links: where runs are found.
        studio: root of Data Factory Studio in the cloud in use.
        holds: what operators hold; None to show the hold as recorded.
        in_line: returns the position of a request that waits in line; None to leave that out.
    """

    def __init__(
        self,
        factories: Factories,
        *,
        links: Links = RELATIVE,
        studio: str = PUBLIC.studio,
        holds: HoldNotes | None = None,
        in_line: Callable[[RunRecord], PlaceInLine | None] | None = None,
    ) -> None:
        self._holds = holds
        self._in_line = in_line
        self._factories = factories
        self._links_to = links
        self._studio = studio

    def view(self, record: RunRecord) -> RunView:
        """The run as callers see it; a runId is shown once Data Factory has confirmed it."""
        record = self._held_until(record)
        run_id = record.confirmed_run_id
        return RunView(
            request_id=record.request_id,
            run_id=run_id,
            factory=self.alias(record.factory),
            pipeline=record.pipeline,
            status=record.status,
            ended=record.ended,
            reason=reason_of(record),
            parameters={**record.parameters, **dict.fromkeys(record.secure_parameters, MASK)},
            correlation_id=record.correlation_id,
            metadata=record.metadata,
            requested_by=record.requested_by,
            requested_at=record.requested_at,
            submitted_at=record.submitted_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            overdue_since=record.overdue_since if record.overdue and record.overdue.told_at else None,
            duration_ms=record.duration_ms,
            message=record.message,
            errors=None if record.errors is None else list(record.errors),
            **({} if record.results is None else dict(record.results)),
            source=record.source,
            invoked_by=record.invoked_by,
            rerun_of=record.rerun.reference_pipeline_run_id,
            group_id=record.group_id,
            attempt=record.attempt,
            admission_key=record.admission_key,
            joined_to=joined_run(record.joined_to),
            in_line=None if self._in_line is None else self._in_line(record),
            waits_for=waits_for(record),
            history=list(record.history),
            routes=list(record.routes),
            links=self._links(ListedRun.of(record)),
        )

    def _held_until(self, record: RunRecord) -> RunRecord:
        """A held record with the hold as it is now: its end or its reason may have been changed."""
        handle = None if record.held is None else self._factories.kept_under(record.factory)
        if handle is None or record.held is None or record.secure_parameters or self._holds is None:
            return record
        try:
            hold = self._holds.of(handle).standing.get(record.held.by)
        except LedgerError:
            return record  # with the hold as it was recorded
        return replace(record, message=_RELEASED if hold is None else hold.in_words)

    def alias(self, factory: str) -> str:
        """The alias of a factory's resource id; the id itself where it is not configured any more."""
        handle = self._factories.kept_under(factory)
        return factory if handle is None else handle.alias

    def rejected(self, kept: KeptMessage) -> RunView:
        """A rejected message: without its parameters, since any may be secure, and the same every time.

        Its link has its own id, since its requestId may be another request's, too.
        """
        message = _decoded(kept)
        return RunView(
            request_id=kept.request_id,
            message_id=kept.message_id,
            factory=self.alias(kept.factory) if kept.factory else "",
            pipeline=kept.pipeline,
            status=RunStatus.REJECTED,
            ended=True,
            reason=one_line(kept.why),
            message=kept.why,
            correlation_id=message.correlation_id,
            metadata=message.metadata,
            requested_by=kept.requested_by,
            requested_at=kept.received_at,
            ended_at=kept.received_at,
            links=self.links_of_message(kept.message_id),
        )

    def kept(self, kept: KeptMessage) -> RunView:
        """A kept message: a rejected one, one that waits in the queue, or the rest of a discarded one.

        One that waits is shown as the request that it will become, with that request's link.
        """
        view = self.rejected(kept)
        if not kept.waiting:
            return view
        said = one_line(kept.fate_in_words)
        history = [] if kept.fate is None else [_entry(kept.fate)]
        if kept.is_on_queue:
            factory = self._named(kept.factory) if kept.factory else None
            links = RunLinks(
                self=self._links_to.run(kept.request_id, factory=factory),
                result=self._links_to.run(kept.request_id, "result", factory=factory),
            )
            changes: dict[str, object] = {
                "message_id": None,
                "status": RunStatus.ACCEPTED,
                "ended": False,
                "ended_at": None,
                "message": None,
            }
        else:
            said = f"{said}: {kept.why}"
            links = RunLinks(self=view.links.self)
            changes = {"message": said}
        return view.model_copy(
            update={**changes, "reason": one_line(said), "history": history, "links": links}
        )

    def traceparent_of(self, kept: KeptMessage) -> str | None:
        """The trace that a rejected message is part of."""
        return _decoded(kept).traceparent

    def listed(self, run: ListedRun) -> RunSummary:
        """The run, or the rejected message, as a list shows it."""
        links = self._links(run) if run.message_id is None else self.links_of_message(run.message_id)
        return RunSummary(
            request_id=run.request_id,
            message_id=run.message_id,
            run_id=run.run_id,
            factory=self.alias(run.factory) if run.factory else "",
            pipeline=run.pipeline,
            status=run.status,
            ended=run.ended,
            reason=run.reason,
            correlation_id=run.correlation_id,
            requested_by=run.requested_by,
            requested_at=run.requested_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            duration_ms=run.duration_ms,
            source=run.source,
            rerun_of=run.rerun_of,
            waits_for=run.waits_for,
            links=links,
        )

    def configured_alias(self, factory: str) -> str | None:
        """The alias of a factory's resource id; None where it is not configured any more."""
        handle = self._factories.kept_under(factory)
        return None if handle is None else handle.alias

    def choice(self, record: RunRecord) -> RunChoice:
        """The run as one of several with the same id, with an unambiguous link."""
        handle = self._factories.kept_under(record.factory)
        own = handle is not None and self._factories.of(handle.alias)[0] is handle
        named = handle.alias if handle is not None and own else record.factory
        return RunChoice(
            request_id=record.request_id,
            run_id=record.confirmed_run_id,
            factory=named,
            pipeline=record.pipeline,
            status=record.status,
            requested_at=record.requested_at,
            link=self._links_to.run(record.request_id, factory=record.factory, by="requestId"),
        )

    def link(self, request_id: str) -> str:
        """The link to a request."""
        return self._links_to.run(request_id)

    def result_link(self, record: RunRecord, **query: str | None) -> str:
        """The link to the result of a run, with further query parameters."""
        return self._links_to.run(record.request_id, "result", factory=self._named(record.factory), **query)

    def _named(self, factory: str) -> str | None:
        """The query parameter that names the factory in a link: its id, since an alias may change."""
        return factory if len(self._factories.aliases) > 1 else None

    def links_of_message(self, message_id: str) -> RunLinks:
        """Where a rejected message is, and where it is sent again or discarded."""
        return RunLinks(
            self=self._links_to.message(message_id),
            resolve=self._links_to.message(message_id, "resolve"),
            replay=self._links_to.message(message_id, "replay"),
        )

    def _links(self, run: ListedRun) -> RunLinks:
        factory, run_id, named = run.factory, run.run_id, self._named(run.factory)
        own = self._links_to.run(run.request_id, factory=named)
        result = self._links_to.run(run.request_id, "result", factory=named)
        verbs = {verb: self._links_to.run(run.request_id, verb, factory=named) for verb in _verbs(run)}
        if run_id is None:
            return RunLinks(self=own, result=result, **verbs)
        handle = self._factories.kept_under(factory)
        address = factory if handle is None else handle.address or factory
        return RunLinks(
            self=own,
            result=result,
            **verbs,
            activities=self._links_to.run(run.request_id, "activities", factory=named),
            studio=f"{self._studio}/monitoring/pipelineruns/{run_id}?factory={quote(address, safe='')}",
        )


def joined_run(joined: JoinedTo | None) -> JoinedRun | None:
    """The run that a request has joined, named once Data Factory has confirmed it."""
    if joined is None:
        return None
    return JoinedRun(request_id=joined.request_id, run_id=joined.run_id if joined.is_confirmed else None)


def _entry(fate: Fate) -> HistoryEntry:
    """The history entry of what was done about a rejected message."""
    return HistoryEntry(at=fate.at, by=fate.by, action=_ACTIONS[fate.what], note=fate.note)


def _decoded(kept: KeptMessage) -> Message:
    return Message.decode(
        kept.body, message_id=kept.message_id, attempts=kept.attempts, inserted_at=kept.received_at
    )


def _verbs(run: ListedRun) -> Sequence[str]:
    """The actions that can be taken on a run."""
    if not run.ended:
        return ["cancel"]
    if run.status == RunStatus.UNKNOWN:
        return ["resolve"]
    return [] if run.run_id is None else ["rerun"]

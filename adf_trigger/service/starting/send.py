"""Calls createRun once and records the outcome. The only place that calls createRun."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import CreatedRun
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    FactoryFull,
    FactoryUnusable,
    LedgerError,
    NotSent,
    PipelineQueueFull,
    Throttled,
    UnknownOutcome,
)
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, Waits
from adf_trigger.messages.declaration import respelled
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.service.steps import Steps

FIRST_BACK_OFF = timedelta(seconds=5)
LONGEST_BACK_OFF = timedelta(seconds=60)


class Sender:
    """Sends one request that its caller has leased (see `Records.lease_to_send`).

    Args:
        records: writes the ledger.
        clock: returns the current time.
        policies: the policy of each pipeline.
        definitions: what pipelines declare.
        gate: says whether a factory may be called now.
        holds: the holds of operators, checked last before createRun.
        steps: surrounds createRun.
        reconcile_after: how soon a call without an answer is reconciled.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        policies: Policies,
        definitions: Definitions,
        gate: Gate,
        holds: HoldNotes,
        steps: Steps,
        *,
        reconcile_after: timedelta = FIRST_BACK_OFF,
    ) -> None:
        self._records = records
        self._clock = clock
        self._policies = policies
        self._definitions = definitions
        self._steps = steps
        self._reconcile_after = reconcile_after
        self._gate = gate
        self._holds = holds

    def send(
        self,
        factory: FactoryHandle,
        leased: Stored,
        parameters: Mapping[str, Any],
        permit: Permit,
        *,
        in_doubt_since: datetime | None = None,
    ) -> Stored:
        """Call createRun once and record the outcome.

        Args:
            factory: the factory.
            leased: the request, with this caller's lease on it.
            parameters: what to send, secure values included.
            permit: for the call; its holder returns it where no call was made.
            in_doubt_since: when an earlier attempt was sent that got no answer, if there was one.

        Returns:
            The record: submitted; or still accepted, to be sent later or reconciled, or held.

        Raises:
            Refused: a definite refusal of this request. Nothing is recorded: the caller decides.
            InvalidRequest: it cannot be sent at all. Nothing is recorded either.
            LedgerError, LedgerConflict: the outcome could not be recorded; it will be reconciled.
        """
        record = leased.record
        if self._lease_left(record) <= timedelta():
            return self._records.postpone(
                leased,
                until=self._clock(),
                reason="the sender was delayed past its lease",
                in_doubt_since=in_doubt_since,
            )
        if (held := self._held(factory, leased, in_doubt_since)) is not None:
            return held
        try:
            created = self._create_run(factory, record, parameters, permit)
        except (Throttled, FactoryUnusable, NotSent, CredentialError, PipelineQueueFull) as exc:
            full = isinstance(exc, PipelineQueueFull)
            return self._records.postpone(
                leased,
                until=self._next_try(factory, record),
                reason=_reason(exc),
                in_doubt_since=in_doubt_since,
                waits_for=Waits.PIPELINE if full else None,
            )
        except UnknownOutcome as exc:
            until = self._clock() + self._reconcile_after
            return self._records.doubt(leased, until=until, answer=str(exc))
        return self._records.submit(leased, created.run_id)

    def _held(self, factory: FactoryHandle, leased: Stored, in_doubt_since: datetime | None) -> Stored | None:
        """Postpone a request that an operator holds, or whose holds cannot be read; None where it may be sent."""
        now = self._clock()
        try:
            hold = self._holds.of(factory).covering(leased.record)
        except LedgerError as exc:
            return self._records.postpone(
                leased, until=now + FIRST_BACK_OFF, reason=f"not sent: {exc}", in_doubt_since=in_doubt_since
            )
        if hold is None:
            return None
        return self._records.hold(
            leased,
            by=hold.scope.id,
            since=now,
            ended=now,
            reason=hold.in_words,
            in_doubt_since=in_doubt_since,
        )

    def _next_try(self, factory: FactoryHandle, record: RunRecord) -> datetime:
        wait = self._gate.next_try(factory)
        return self._clock() + back_off(record.attempts) if wait is None else wait.until

    def _lease_left(self, record: RunRecord) -> timedelta:
        return timedelta() if record.lease_until is None else record.lease_until - self._clock()

    def _create_run(
        self, factory: FactoryHandle, record: RunRecord, parameters: Mapping[str, Any], permit: Permit
    ) -> CreatedRun:
        given, secrets = self._with_correlation(factory, record, parameters), _secrets(record, parameters)
        with self._steps("send.create_run"):
            within = self._lease_left(record).total_seconds()
            permit.use()
            return factory.runs.create_run(
                record.pipeline,
                given,
                client_request_id=record.run_id,
                rerun=record.rerun,
                secrets=secrets,
                within=within,
            )

    def _with_correlation(
        self, factory: FactoryHandle, record: RunRecord, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The parameters with the policy's correlation parameter, spelled as in the request or the pipeline."""
        name = self._policies.of(record.pipeline).correlation_parameter
        if name is None:
            return dict(parameters)
        names: Iterable[str] = parameters
        if name.lower() not in {given.lower() for given in parameters}:
            declaration = self._definitions.remembered(factory, record.pipeline)
            names = (each.name for each in declaration.parameters) if declaration else ()
        return {**parameters, **respelled({name: record.request_id}, names)}


def _secrets(record: RunRecord, parameters: Mapping[str, Any]) -> list[str]:
    """The values that no error may repeat: a secure parameter should be a string, but may be declared otherwise."""
    values = (parameters[name] for name in record.secure_parameters if name in parameters)
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def _reason(error: AdfTriggerError) -> str:
    if isinstance(error, Throttled):
        return f"Data Factory is throttling: {error}"
    if isinstance(error, FactoryFull):
        return f"the factory takes no more runs now: {error}"
    if isinstance(error, FactoryUnusable):
        return f"Data Factory cannot be used now: {error}"
    if isinstance(error, PipelineQueueFull):
        return f"the pipeline takes no more runs now: {error}"
    return f"not sent: {error}"


def back_off(attempts: int) -> timedelta:
    """The back-off after a number of attempts."""
    doublings = max(0, min(attempts, 10) - 1)
    return min(LONGEST_BACK_OFF, FIRST_BACK_OFF * (1 << doublings))

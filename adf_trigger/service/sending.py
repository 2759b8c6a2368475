"""One createRun, and what its answer means. The only place that calls createRun."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import CreatedRun
from adf_trigger.errors import CredentialError, NotSent, Throttled, UnknownOutcome
from adf_trigger.ledger.port import Ledger, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service import transitions
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.pauses import Pauses
from adf_trigger.service.policy import Policies
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

FIRST_BACK_OFF = timedelta(seconds=5)
LONGEST_BACK_OFF = timedelta(seconds=60)


class Sender:
    """Sends one request that its caller has taken for itself (see `transitions.take`).

    Args:
        ledger: the run ledger.
        clock: tells the time.
        policies: what may be decided for each pipeline.
        pauses: factories that asked to be left alone.
        steps: surrounds each effect.
        reconcile_after: how soon a call without an answer is looked into.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        policies: Policies,
        pauses: Pauses,
        steps: Steps,
        *,
        reconcile_after: timedelta = FIRST_BACK_OFF,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policies = policies
        self._steps = steps
        self._reconcile_after = reconcile_after
        self._pauses = pauses

    def paused_until(self, factory: FactoryHandle) -> datetime | None:
        """When the factory may be called again; None where it may be called now."""
        return self._pauses.until(factory.id, self._clock())

    def send(
        self,
        factory: FactoryHandle,
        taken: Stored,
        parameters: Mapping[str, Any],
        *,
        in_doubt_since: datetime | None = None,
    ) -> Stored:
        """Call createRun once and record what its answer means.

        Args:
            factory: where to.
            taken: the request, with this caller's lease on it.
            parameters: what to send, secure values included.
            in_doubt_since: when an earlier attempt left without an answer, if one did.

        Returns:
            The record: submitted; or accepted still, to be sent later or to be looked into.

        Raises:
            Refused: a definite no (never Throttled). Nothing is recorded: the caller decides.
            LedgerError, LedgerConflict: the outcome could not be recorded; it will be reconciled.
        """
        record = taken.record
        if self._lease_is_over(record):
            return self._postpone(
                taken, self._clock(), in_doubt_since, "the sender was held up past its lease"
            )
        try:
            created = self._create_run(factory, record, parameters)
        except Throttled as exc:
            until = self._pauses.obey(factory.id, exc, self._clock())
            return self._postpone(taken, until, in_doubt_since, f"Data Factory is throttling: {exc}")
        except (NotSent, CredentialError) as exc:
            until = self._clock() + back_off(record.attempts)
            return self._postpone(taken, until, in_doubt_since, f"not sent: {exc}")
        except UnknownOutcome as exc:
            return self._doubt(taken, str(exc))
        return self._submitted(taken, created)

    def _lease_is_over(self, record: RunRecord) -> bool:
        return record.lease_until is None or self._clock() >= record.lease_until

    def _create_run(
        self, factory: FactoryHandle, record: RunRecord, parameters: Mapping[str, Any]
    ) -> CreatedRun:
        with self._steps("dispatch.create_run"):
            return factory.runs.create_run(
                record.pipeline,
                self._with_correlation(record, parameters),
                client_request_id=record.run_id,
                reference_pipeline_run_id=record.rerun.reference_pipeline_run_id,
                is_recovery=record.rerun.is_recovery,
                start_activity_name=record.rerun.start_activity_name,
                start_from_failure=record.rerun.start_from_failure,
            )

    def _with_correlation(self, record: RunRecord, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = self._policies.of(record.pipeline).correlation_parameter
        return dict(parameters) if name is None else {**parameters, name: record.request_id}

    def _submitted(self, taken: Stored, created: CreatedRun) -> Stored:
        record = taken.record
        moved = transitions.submit(record, run_id=created.run_id, now=self._clock())
        with self._steps("dispatch.record_submitted"):
            stored = self._ledger.save(taken, moved)
        logger.info(
            "Started run %s of %s for request %s",
            created.run_id,
            record.pipeline,
            record.request_id,
            extra={
                "action": "run_started",
                "request_id": record.request_id,
                "run_id": str(created.run_id),
                "pipeline": record.pipeline,
                "attempt": record.attempts,
            },
        )
        return stored

    def _postpone(
        self, taken: Stored, until: datetime, in_doubt_since: datetime | None, reason: str
    ) -> Stored:
        moved = transitions.postpone(taken.record, until=until, in_doubt_since=in_doubt_since, reason=reason)
        with self._steps("dispatch.record_postponed"):
            stored = self._ledger.save(taken, moved)
        logger.warning(
            "Request %s waits until %s: %s",
            taken.record.request_id,
            until,
            reason,
            extra={
                "action": "request_postponed",
                "request_id": taken.record.request_id,
                "until": until.isoformat(),
            },
        )
        return stored

    def _doubt(self, taken: Stored, reason: str) -> Stored:
        until = self._clock() + self._reconcile_after
        moved = transitions.doubt(
            taken.record, until=until, reason=f"no clear answer yet: {reason}", left_by=self._clock()
        )
        with self._steps("dispatch.record_in_doubt"):
            stored = self._ledger.save(taken, moved)
        logger.warning(
            "createRun for request %s got no clear answer; it will be looked into",
            taken.record.request_id,
            extra={
                "action": "outcome_unknown",
                "request_id": taken.record.request_id,
                "run_id": str(taken.record.run_id),
            },
        )
        return stored


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    doublings = max(0, min(attempts, 10) - 1)
    return min(LONGEST_BACK_OFF, FIRST_BACK_OFF * (1 << doublings))

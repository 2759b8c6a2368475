"""Holds and releases a factory, a pipeline or a key for an operator, for instance during a deployment."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adf_trigger.clock import Clock
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    FactoryNotFound,
    Fault,
    InvalidRequest,
    LedgerConflict,
    ResourceNotFound,
    TryLater,
)
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.messages.limits import shorten
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.holds.hold import LONGEST_HOLD, USUAL_HOLD, Hold, Scope, shown_first
from adf_trigger.service.holds.notes import HoldNotes, Noted
from adf_trigger.service.optimistic import RETRY_AFTER, TRIES
from adf_trigger.service.policy import Policies
from adf_trigger.service.starting.backlog import Backlog
from adf_trigger.service.starting.check import JUST_NOW
from adf_trigger.service.starting.definitions import Definitions

logger = logging.getLogger(__name__)

MOST_HOLDS = 100
"""Maximum holds of a factory in force at once."""

LONGEST_REASON = 300
"""Maximum characters of a warning that are quoted from Data Factory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOrder:
    """An operator's order to hold.

    Attributes:
        scope: what to hold.
        reason: why.
        until: when the hold ends; None for USUAL_HOLD from now.
        by: who gave the order, where known.
    """

    scope: Scope
    reason: str
    until: datetime | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class HoldsNow:
    """The holds of a factory.

    Attributes:
        factory: its alias.
        holds: those in force.
        warnings: what may be a mistake of the operator.
    """

    factory: str
    holds: Sequence[Hold]
    warnings: Sequence[str] = ()


class Holder:
    """Carries out operators' orders.

    Args:
        factories: all configured factories.
        holds: where holds are kept.
        ledger: shows whether requests are held.
        policies: say whether requests are counted by a key.
        backlog: queues requests that come after a release behind those that were held.
        clock: returns the current time.
        definitions: says whether the pipeline that is held exists.
        gate: says whether a factory may be called now.
    """

    def __init__(
        self,
        factories: Factories,
        holds: HoldNotes,
        ledger: LedgerReader,
        policies: Policies,
        backlog: Backlog,
        clock: Clock,
        definitions: Definitions,
        gate: Gate,
    ) -> None:
        self._factories = factories
        self._holds = holds
        self._ledger = ledger
        self._policies = policies
        self._backlog = backlog
        self._clock = clock
        self._definitions = definitions
        self._gate = gate

    def hold(self, alias: str, order: HoldOrder) -> HoldsNow:
        """Hold a scope: start none of its requests until the hold is released or ends. Returns the holds in force.

        Holding a scope again replaces the reason and the end of its hold. createRun calls that began before the hold is
        written are not recalled; other instances see it within a second.

        A pipeline that the factory does not have is held, too, since it may be about to be deployed: a warning says so.

        Raises:
            FactoryNotFound: there is no such alias.
            InvalidRequest: its end is past, or too far ahead; it names a key where no policy counts by one; or
                MOST_HOLDS holds are in force.
            TryLater: others keep changing it.
            LedgerError: it could not be read or written.
        """
        factory = self._factory(alias)
        now = self._clock()
        until = order.until or now + USUAL_HOLD
        faults = self._faults(order.scope)
        if not now < until <= now + LONGEST_HOLD:
            at_most = f"must be in the future, by at most {LONGEST_HOLD.days} days: it is {now:%Y-%m-%dT%H:%M:%SZ} here"
            faults.append(Fault("/until", at_most))
        if faults:
            raise InvalidRequest(faults)

        def put() -> HoldsNow:
            noted = self._holds.noted(factory)
            in_force = [each for each in noted if self._is_in_force(each.hold)]
            before = _of(order.scope, noted)
            earlier = _of(order.scope, in_force)
            if earlier is None and len(in_force) >= MOST_HOLDS:
                raise InvalidRequest([Fault("", f"{MOST_HOLDS} holds of {alias} are in force, the maximum")])
            hold = Hold(
                scope=order.scope,
                reason=order.reason,
                since=now if earlier is None else earlier.hold.since,
                until=until,
                written_at=now,
                by=order.by,
            )
            self._holds.put(factory, hold, before)
            self._holds.prune(factory, [each for each in noted if each is not before])
            logger.warning(
                "Held %s of %s until %s: %s",
                hold.scope,
                alias,
                until.isoformat(),
                hold.reason,
                extra={"action": "requests_held", "factory": factory.present_id, **_log_fields(hold)},
            )
            others = [each.hold for each in in_force if each is not earlier]
            return HoldsNow(alias, shown_first([*others, hold]))

        held = self._retried(put, order.scope)
        return replace(held, warnings=self._warnings(factory, order.scope))

    def release(self, alias: str, scope: Scope, *, by: str | None = None) -> HoldsNow:
        """Release a scope: its requests start in order of arrival, from the next tick on. Returns the holds in force.

        Releasing a scope that is not held is not an error.

        Raises:
            FactoryNotFound: there is no such alias.
            TryLater: others keep changing it.
            LedgerError: it could not be read or written.
        """
        factory = self._factory(alias)

        def end() -> HoldsNow:
            noted = self._holds.noted(factory)
            in_force = [each for each in noted if self._is_in_force(each.hold)]
            held = _of(scope, in_force)
            if held is not None:
                waiting = self._queue_new_requests(factory, scope)
                released = replace(held.hold, released_at=self._clock(), written_at=self._clock(), by=by)
                self._holds.put(factory, released, held)
                logger.warning(
                    "Released %s of %s, for which %d requests waited",
                    scope,
                    alias,
                    waiting,
                    extra={
                        "action": "requests_released",
                        "factory": factory.present_id,
                        "waiting": waiting,
                        **_log_fields(released),
                    },
                )
            self._holds.prune(factory, [each for each in noted if each is not held])
            return HoldsNow(alias, shown_first([each.hold for each in in_force if each is not held]))

        return self._retried(end, scope)

    def _faults(self, scope: Scope) -> list[Fault]:
        """The faults of an order: a key that no request can have would silently hold nothing."""
        if scope.key is None or (scope.pipeline is None and self._policies.counts_by_key):
            return []
        policy = None if scope.pipeline is None else self._policies.of(scope.pipeline).admission
        if policy is not None and policy.key is not None:
            return []
        whose = "any pipeline" if scope.pipeline is None else scope.pipeline
        return [
            Fault(
                "/key",
                f"the policy of {whose} does not count requests by a key (admission.key), so no request has one",
            )
        ]

    def _warnings(self, factory: FactoryHandle, scope: Scope) -> Sequence[str]:
        """A warning where the factory has no such pipeline, or cannot be asked: a mistyped name holds nothing."""
        if scope.pipeline is None:
            return ()
        unknown = f"it is not known whether the factory {factory.alias} has a pipeline {scope.pipeline}"
        if not self._gate.may_read(factory):
            text = f"{unknown}: it cannot be read now"
        else:
            try:
                self._definitions.get(factory, scope.pipeline, no_older_than=JUST_NOW)
            except ResourceNotFound:
                text = f"the factory {factory.alias} has no pipeline {scope.pipeline}: it is held once there is one"
            except (DataFactoryError, CredentialError) as exc:
                text = f"{unknown}: {shorten(str(exc), LONGEST_REASON)}"
            else:
                return ()
        logger.warning(
            "Held %s: %s",
            scope,
            text,
            extra={"action": "hold_warned", "factory": factory.present_id, "pipeline": scope.pipeline},
        )
        return (text,)

    def _queue_new_requests(self, factory: FactoryHandle, scope: Scope) -> int:
        """Queue new requests behind those that are held; returns the number of held requests."""
        waiting = 0
        for handle in self._factories.of(factory.alias):
            held = sum(
                row.held is not None and row.held.by == scope.id for row in self._ledger.active(handle.id)
            )
            if held:
                self._backlog.begin(handle)
            waiting += held
        return waiting

    def _factory(self, alias: str) -> FactoryHandle:
        found = self._factories.of(alias)
        if not found:
            there_are = ", ".join(sorted(self._factories.aliases))
            raise FactoryNotFound(f"there is no factory {shorten(alias, 100)}; there is: {there_are}")
        return found[0]

    def _is_in_force(self, hold: Hold) -> bool:
        return hold.released_at is None and self._clock() < hold.until

    @staticmethod
    def _retried(change: Callable[[], HoldsNow], scope: Scope) -> HoldsNow:
        for _ in range(TRIES):
            try:
                return change()
            except LedgerConflict:
                continue
        raise TryLater(f"{scope} is being held or released by others", retry_after=RETRY_AFTER)


def _of(scope: Scope, noted: Sequence[Noted]) -> Noted | None:
    return next((each for each in noted if each.hold.scope.id == scope.id), None)


def _log_fields(hold: Hold) -> dict[str, str | None]:
    """A hold as fields of a log record."""
    return {
        "pipeline": hold.scope.pipeline,
        "key": hold.scope.key,
        "until": hold.until.isoformat(),
        "reason": hold.reason,
        "by": hold.by,
    }

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
"""Characters of a warning that are Data Factory's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOrder:
    """An operator's order to hold.

    Attributes:
        scope: what.
        reason: why.
        until: when it is over; None for USUAL_HOLD from now.
        by: who asks, where that is known.
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
        warnings: what an operator may not have meant.
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
        backlog: makes requests that come after a release wait behind those that were held.
        clock: returns the current time.
        definitions: whether there is a pipeline of the name that is held.
        gate: whether Data Factory may be asked for it.
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
        """Hold a scope: start none of its requests until the hold is released or ends. Returns the holds then.

        Held again, its reason and its end are those of the last one who asked. createRun calls that have begun before
        the hold is written are not recalled; another instance knows of it a second later.

        A pipeline that the factory does not have is held, too, since it may be on its way there: a warning says so.

        Raises:
            FactoryNotFound: there is no such alias.
            InvalidRequest: its end is not ahead, or too far; it names a key where no policy counts by one; or as much
                is held as may be.
            TryLater: others keep changing it.
            LedgerError: it could not be read or written.
        """
        factory = self._named(alias)
        now = self._clock()
        until = order.until or now + USUAL_HOLD
        faults = self._faults(order.scope)
        if not now < until <= now + LONGEST_HOLD:
            at_most = (
                f"must be ahead, by {LONGEST_HOLD.days} days at most: it is {now:%Y-%m-%dT%H:%M:%SZ} here"
            )
            faults.append(Fault("/until", at_most))
        if faults:
            raise InvalidRequest(faults)

        def put() -> HoldsNow:
            noted = self._holds.noted(factory)
            standing = [each for each in noted if self._stands(each.hold)]
            before = _of(order.scope, noted)
            earlier = _of(order.scope, standing)
            if earlier is None and len(standing) >= MOST_HOLDS:
                raise InvalidRequest([Fault("", f"{MOST_HOLDS} holds of {alias} stand, the most that may")])
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
                extra={"action": "requests_held", "factory": factory.present_id, **_said(hold)},
            )
            others = [each.hold for each in standing if each is not earlier]
            return HoldsNow(alias, shown_first([*others, hold]))

        held = self._repeated(put, order.scope)
        return replace(held, warnings=self._warnings(factory, order.scope))

    def release(self, alias: str, scope: Scope, *, by: str | None = None) -> HoldsNow:
        """Release a scope: its requests are started in order of arrival, from the next tick on. Returns the holds then.

        A scope that is not held is no error.

        Raises:
            FactoryNotFound: there is no such alias.
            TryLater: others keep changing it.
            LedgerError: it could not be read or written.
        """
        factory = self._named(alias)

        def end() -> HoldsNow:
            noted = self._holds.noted(factory)
            standing = [each for each in noted if self._stands(each.hold)]
            held = _of(scope, standing)
            if held is not None:
                waiting = self._have_newcomers_wait(factory, scope)
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
                        **_said(released),
                    },
                )
            self._holds.prune(factory, [each for each in noted if each is not held])
            return HoldsNow(alias, shown_first([each.hold for each in standing if each is not held]))

        return self._repeated(end, scope)

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
                f"the policy of {whose} counts requests by no key (admission.key), so that none has it",
            )
        ]

    def _warnings(self, factory: FactoryHandle, scope: Scope) -> Sequence[str]:
        """That the factory has no such pipeline, or cannot be asked: a name that is mistyped holds nothing."""
        if scope.pipeline is None:
            return ()
        unknown = f"whether the factory {factory.alias} has a pipeline {scope.pipeline} is not known"
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

    def _have_newcomers_wait(self, factory: FactoryHandle, scope: Scope) -> int:
        """Make new requests wait behind those that are held; returns how many these are."""
        waiting = 0
        for handle in self._factories.of(factory.alias):
            held = sum(
                row.held is not None and row.held.by == scope.id for row in self._ledger.active(handle.id)
            )
            if held:
                self._backlog.begin(handle)
            waiting += held
        return waiting

    def _named(self, alias: str) -> FactoryHandle:
        found = self._factories.of(alias)
        if not found:
            there_are = ", ".join(sorted(self._factories.aliases))
            raise FactoryNotFound(f"there is no factory {shorten(alias, 100)}; there is: {there_are}")
        return found[0]

    def _stands(self, hold: Hold) -> bool:
        return hold.released_at is None and self._clock() < hold.until

    @staticmethod
    def _repeated(change: Callable[[], HoldsNow], scope: Scope) -> HoldsNow:
        for _ in range(TRIES):
            try:
                return change()
            except LedgerConflict:
                continue
        raise TryLater(f"{scope} is being held or released by others", retry_after=RETRY_AFTER)


def _of(scope: Scope, noted: Sequence[Noted]) -> Noted | None:
    return next((each for each in noted if each.hold.scope.id == scope.id), None)


def _said(hold: Hold) -> dict[str, str | None]:
    """A hold as fields of a log record."""
    return {
        "pipeline": hold.scope.pipeline,
        "key": hold.scope.key,
        "until": hold.until.isoformat(),
        "reason": hold.reason,
        "by": hold.by,
    }

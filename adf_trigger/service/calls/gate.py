"""Whether a factory may be called now: by its 429s, and by the state that it is in."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, TryLater
from adf_trigger.service.calls.factory_state import FactoryState
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.calls.throttling import Bucket, Throttling
from adf_trigger.service.factories import FactoryHandle

logger = logging.getLogger(__name__)


_ASKED_TO_PAUSE = "Data Factory asked for a pause (Retry-After)"


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when nothing may be sent, and why."""

    until: datetime
    reason: str


class Gate:
    """Asked before calls of a factory. Thread-safe.

    Args:
        states: which factories cannot be used now.
        throttling: the Retry-After of each factory.
        clock: returns the current time.
    """

    def __init__(self, states: FactoryStates, throttling: Throttling, clock: Clock) -> None:
        self._states = states
        self._throttling = throttling
        self._clock = clock

    def state(self, factory: FactoryHandle) -> FactoryState | None:
        """The state of a factory that cannot be used; None where it can."""
        return self._states.of(factory.present_id)

    def may_read(self, factory: FactoryHandle) -> bool:
        """Whether a factory may be read now."""
        state = self._states.of(factory.present_id)
        gated = state is not None and state.gates(Bucket.READS)
        return not gated and self._throttling.until(factory.present_id, Bucket.READS, self._clock()) is None

    def wait_to_read(self, factory: FactoryHandle) -> Wait | None:
        """Why and until when a factory may not be read; None where it may be."""
        now = self._clock()
        if (until := self._throttling.until(factory.present_id, Bucket.READS, now)) is not None:
            return Wait(until, _ASKED_TO_PAUSE)
        state = self._states.of(factory.present_id)
        if state is None or not state.gates(Bucket.READS):
            return None
        return Wait(max(now, state.next_probe_at), str(state))

    def wait_to_send(self, factory: FactoryHandle) -> Wait | None:
        """Why and until when no run may be started; None where one may be.

        Where the factory cannot be used, this lets one caller at a time through, which has to send something.
        """
        state = self._states.of(factory.present_id)
        if self._throttling.until(factory.present_id, Bucket.WRITES, self._clock()) is None:
            held = state is not None and state.gates(Bucket.WRITES)
            if not held or (state is not None and state.bucket is Bucket.WRITES and self._probes(factory)):
                return None
        return self.next_try(factory)

    def next_try(self, factory: FactoryHandle) -> Wait | None:
        """When the next run may be started; None where nothing is known that prevents it."""
        now = self._clock()
        if (until := self._throttling.until(factory.present_id, Bucket.WRITES, now)) is not None:
            return Wait(until, _ASKED_TO_PAUSE)
        state = self._states.of(factory.present_id)
        if state is None or not state.gates(Bucket.WRITES):
            return None
        return Wait(max(now, state.next_probe_at), str(state))

    def pause_of_sends(self, factory: FactoryHandle) -> timedelta | None:
        """How long a 429 keeps runs from being started; None where none does, or something else does as well."""
        now, state = self._clock(), self._states.of(factory.present_id)
        until = self._throttling.until(factory.present_id, Bucket.WRITES, now)
        is_held = state is not None and state.gates(Bucket.WRITES)
        return None if until is None or is_held else until - now

    def wait_to_cancel(self, factory: FactoryHandle) -> Wait | None:
        """Why and until when no run may be cancelled; None where one may be, even if none may be started."""
        now = self._clock()
        if (until := self._throttling.until(factory.present_id, Bucket.WRITES, now)) is not None:
            return Wait(until, _ASKED_TO_PAUSE)
        state = self._states.of(factory.present_id)
        if state is None or not state.gates(Bucket.READS):
            return None
        return Wait(max(now, state.next_probe_at), str(state))

    def probe(self, factory: FactoryHandle) -> None:
        """Probe a factory that cannot be used, when a probe is due."""
        state = self._states.of(factory.present_id)
        if state is None or not state.gates(Bucket.READS) or not self._probes(factory):
            return
        try:
            factory.runs.get_factory()
        except AdfTriggerError as exc:
            logger.info(
                "Factory %s still cannot be used: %s",
                factory.alias,
                exc,
                extra={
                    "action": "factory_probe_failed",
                    "factory": factory.present_id,
                    "error": type(exc).__name__,
                },
            )

    def check(self, factory: FactoryHandle) -> None:
        """Read the factory, unless it is known that it cannot be used.

        Raises:
            TryLater: it cannot be used, and why.
            DataFactoryError, CredentialError: it could not be read.
        """
        state = self._states.of(factory.present_id)
        if state is not None and state.is_fault:
            wait = (state.next_probe_at - self._clock()).total_seconds()
            raise TryLater(str(state), retry_after=max(1.0, wait))
        if self.may_read(factory):
            factory.runs.get_factory()

    def no_request_waits(self, factory: FactoryHandle) -> None:
        """Clear a state that gates createRun alone, when no request is left whose call could probe it."""
        state = self._states.of(factory.present_id)
        if state is not None and state.bucket is Bucket.WRITES and self._probes(factory):
            self._states.release(factory.present_id)

    def _probes(self, factory: FactoryHandle) -> bool:
        return self._states.may_probe(factory.present_id)

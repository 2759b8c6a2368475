"""Makes calls of the management API: token, retries of reads, errors and logs."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import stamina

from adf_trigger.clock import Clock, IdSource, new_id, utcnow
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.failures import error_of
from adf_trigger.datafactory.transport import Transport
from adf_trigger.errors import DataFactoryError, Fault, InvalidRequest, NotSent, Throttled, Unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

_BETWEEN_RENEWALS = timedelta(minutes=3)
"""Minimum time between two tokens that are discarded after a denial."""


class TokenSource(Protocol):
    """Provides bearer tokens."""

    def token(self) -> str:
        """A token that is valid now.

        Raises:
            CredentialError: none could be acquired.
        """

    def invalidate(self, token: str) -> None:
        """Discard this token: the service rejected it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How reads are repeated. Calls with an effect never are.

    Attributes:
        attempts: maximum number of attempts, including the first.
        total: seconds after which no further attempt begins.
        wait_initial: seconds before the second attempt; doubled each time.
        wait_max: maximum seconds between two attempts.
        wait_jitter: maximum seconds of random waiting on top.
        longest_retry_after: seconds; a longer Retry-After is not waited for: the error is raised to the caller.
    """

    attempts: int = 4
    total: float = 45.0
    wait_initial: float = 0.2
    wait_max: float = 5.0
    wait_jitter: float = 0.5
    longest_retry_after: float = 15.0


class ManagementApi:
    """Makes calls of the management API for an identity.

    Args:
        transport: sends each call.
        tokens: the identity's tokens.
        retries: how reads are repeated.
        clock: returns the current time, from which an HTTP date in Retry-After is counted.
        ids: creates the x-ms-client-request-id of calls without one.
    """

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        *,
        retries: RetryPolicy | None = None,
        clock: Clock = utcnow,
        ids: IdSource = new_id,
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._retries = retries or RetryPolicy()
        self._clock = clock
        self.new_id = ids
        self._renewed_at: datetime | None = None
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """Base URL of the API, without a trailing slash."""
        return self._transport.endpoint

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def perform(self, call: Call, read: Callable[[Reply], T]) -> T:
        """Make a call and parse its reply; a call without effect is retried within the policy.

        Args:
            call: the call.
            read: parses the result from a successful reply; may raise a DataFactoryError.

        Raises:
            CredentialError: no token could be acquired; nothing was sent.
            DataFactoryError: see the tree of errors.
            InvalidRequest: the body cannot be written as JSON.
        """
        body = _encoded(call.body)
        if call.effect is not Effect.NONE:
            return self._attempt(call, body, read, number=1)
        policy = self._retries
        for attempt in stamina.retry_context(
            on=self._repeats_until(time.monotonic() + policy.total),
            attempts=policy.attempts,
            timeout=policy.total,
            wait_initial=policy.wait_initial,
            wait_max=policy.wait_max,
            wait_jitter=policy.wait_jitter,
        ):
            with attempt:
                return self._attempt(call, body, read, number=attempt.num)
        raise AssertionError("stamina re-raises the last error")

    def _repeats_until(self, deadline: float) -> Callable[[Exception], bool | float]:
        longest = self._retries.longest_retry_after

        def repeats(exc: Exception) -> bool | float:
            if not isinstance(exc, (NotSent, Throttled, Unavailable)):
                return False
            if exc.retry_after is None:
                return True
            if exc.retry_after > longest or time.monotonic() + exc.retry_after > deadline:
                return False
            return exc.retry_after

        return repeats

    def _attempt(self, call: Call, body: bytes | None, read: Callable[[Reply], T], *, number: int) -> T:
        started = time.monotonic()
        try:
            reply = self._reply(call, body)
            result = read(reply)
        except DataFactoryError as exc:
            logger.warning(
                "Data Factory: %s",
                exc,
                extra={
                    "action": "data_factory_call_failed",
                    "error": type(exc).__name__,
                    "code": exc.code,
                    **_log_ids(call, number, started, exc.status, exc.request_id, exc.correlation_id),
                },
            )
            raise
        facts = reply.facts(call.client_request_id)
        logger.log(
            logging.DEBUG if call.effect is Effect.NONE else logging.INFO,
            "Data Factory answered %s with %s",
            call.operation,
            reply.status,
            extra={
                "action": "data_factory_call_answered",
                "remaining_reads": facts.remaining_reads,
                "remaining_writes": facts.remaining_writes,
                **_log_ids(call, number, started, reply.status, facts.request_id, facts.correlation_id),
            },
        )
        return result

    def _reply(self, call: Call, body: bytes | None) -> Reply:
        began = time.monotonic()
        token = self._tokens.token()
        reply = self._sent(call, body, token, began)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            # A definite refusal: nothing happened, so even a call with an effect may be sent again.
            self._tokens.invalidate(token)
            fresh = self._tokens.token()
            if fresh != token:
                logger.info(
                    "Data Factory rejected the token for %s; retrying with a new one",
                    call.operation,
                    extra={
                        "action": "data_factory_token_renewed",
                        "operation": call.operation,
                        "client_request_id": str(call.client_request_id),
                    },
                )
                token, reply = fresh, self._sent(call, body, fresh, began)
        if reply.status == HTTPStatus.FORBIDDEN:
            self._renew_after_denial(token)
        if reply.status not in call.accepts:
            raise error_of(call, reply, now=self._clock(), secret=token) from reply.body_error
        return reply

    def _renew_after_denial(self, token: str) -> None:
        """Make the next call acquire a new token: a role assigned through a group appears only in new tokens."""
        now = self._clock()
        with self._lock:
            if self._renewed_at is not None and now - self._renewed_at < _BETWEEN_RENEWALS:
                return
            self._renewed_at = now
        self._tokens.invalidate(token)

    def _sent(self, call: Call, body: bytes | None, token: str, began: float) -> Reply:
        if call.within is None:
            return self._transport.send(call, body, token)
        left = began + call.within - time.monotonic()
        if left <= 0:
            raise NotSent(
                f"{call.operation}: the deadline of the call passed before a token was acquired",
                client_request_id=str(call.client_request_id),
            )
        return self._transport.send(call, body, token, within=left)


def _encoded(body: object) -> bytes | None:
    if body is None:
        return None
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidRequest([Fault(pointer="", message=f"the body is not JSON: {exc}")]) from exc


def _log_ids(
    call: Call,
    attempt: int,
    started: float,
    status: int | None,
    request_id: str | None,
    correlation_id: str | None,
) -> dict[str, Any]:
    return {
        "operation": call.operation,
        "attempt": attempt,
        "duration_ms": round((time.monotonic() - started) * 1000),
        "status": status,
        "request_id": request_id,
        "correlation_id": correlation_id,
        "client_request_id": str(call.client_request_id),
    }

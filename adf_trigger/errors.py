"""The one tree of errors.

    AdfTriggerError
    ├── SettingsError            the app's settings are wrong; every fault is named
    ├── InvalidRequest           the request can never succeed; every fault is named
    ├── TooLong                  the request is longer than the limit
    ├── RequestConflict          the idempotency key names another request
    ├── NotFound                 no such run, factory or record
    │   └── FactoryNotFound      no configured factory has that alias
    ├── AmbiguousRun             the id means several runs; each is named with its link
    ├── AtCapacity               the pipeline's limit of concurrent runs is reached; each run is named with its link
    ├── WrongState               the run's state does not allow the operation
    ├── DataFactoryFailed        Data Factory gave no usable answer to a read that a caller waits for
    ├── TryLater                 the request cannot be accepted right now; nothing of it was stored
    ├── TooLate                  a message could not be accepted within the start deadline
    ├── LedgerError              the run ledger cannot be reached
    │   ├── LedgerConflict       a conditional write lost to another writer
    │   └── UnreadableRow        one row cannot be decoded, or one record cannot be stored; others are not affected
    ├── PublishError             a queue message was not written
    ├── CredentialError          no token was acquired (nothing was sent to Data Factory)
    └── DataFactoryError         a call of Data Factory did not succeed
        ├── NotSent              no connection: the request never left, nothing happened
        ├── Refused              a definite refusal: nothing happened
        │   ├── BadRequest           400 and other 4xx: the request is wrong
        │   ├── ResourceNotFound     404 by Data Factory itself: no such pipeline, run
        │   │   └── RunNotFound      no such run that a call refers to
        │   ├── PreconditionFailed   412: the ETag no longer matches
        │   ├── PipelineQueueFull    400: the pipeline's queue of waiting runs is full
        │   ├── Throttled            429: too many calls; `retry_after` says when
        │   └── FactoryUnusable      not the request's fault: the same request may succeed later
        │       ├── Unauthorized         401: the token was not accepted
        │       ├── Forbidden            403: the identity lacks a role
        │       ├── ScopeNotFound        404 by the Resource Manager: no such subscription, group or factory
        │       ├── ScopeLocked          409 and 423: a lock forbids it
        │       ├── SubscriptionUnusable disabled, not registered, or without this API version
        │       ├── FactoryFull          400: the factory's limit of active runs is reached
        │       └── QuotaExceeded        a quota of the subscription is used up
        ├── Unavailable          a read failed for now (5xx, 408, time-out, reset): asking again is safe
        └── UnknownOutcome       a call with an effect got no clear answer: it may have happened

`DataFactoryError` carries what the service said and the ids its support asks for. Errors of other
libraries are kept as `__cause__`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adf_trigger.contracts import RunCandidate, RunChoice

_LISTED_FAULTS = 10
_LISTED_CHARS = 300
"""Limits of the faults in an error's text, and so in the log: a request can have tens of thousands."""


class AdfTriggerError(Exception):
    """Root of everything this project raises on purpose."""


class SettingsError(AdfTriggerError):
    """The settings are wrong.

    Attributes:
        faults: one sentence for each setting at fault.
        warnings: further findings that may explain the faults, such as an unknown setting name.
    """

    def __init__(self, faults: list[str], warnings: Sequence[str] = ()) -> None:
        super().__init__(
            "settings are wrong:\n" + "\n".join(f"  - {sentence}" for sentence in (*faults, *warnings))
        )
        self.faults = faults
        self.warnings = tuple(warnings)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request.

    Attributes:
        pointer: its location, as a JSON pointer into the body (`/parameters/day`) or the name of a header or
            query parameter.
        message: a sentence for the caller. Never holds a secret value.
    """

    pointer: str
    message: str

    @property
    def in_words(self) -> str:
        """The fault in a line; a fault of the whole request has no pointer."""
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class InvalidRequest(AdfTriggerError):
    """The request can never succeed. `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        listed = [fault.in_words[:_LISTED_CHARS] for fault in faults[:_LISTED_FAULTS]]
        if len(faults) > _LISTED_FAULTS:
            listed.append(f"and {len(faults) - _LISTED_FAULTS} more faults")
        super().__init__("; ".join(listed))
        self.faults = faults


class TooLong(AdfTriggerError):
    """The request is longer than the limit."""


class RequestConflict(AdfTriggerError):
    """The idempotency key already names a request that asks for something else."""


class NotFound(AdfTriggerError):
    """There is no such run, factory or record."""


class FactoryNotFound(NotFound):
    """No configured factory has that alias."""


class AmbiguousRun(AdfTriggerError):
    """The id matches several runs, in several factories or as one's key and another's runId: `choices` has them."""

    def __init__(self, run: str, choices: Sequence[RunChoice]) -> None:
        super().__init__(f"{run} matches {len(choices)} runs; ask for one of them")
        self.choices = choices


class AtCapacity(AdfTriggerError):
    """The limit of concurrent runs is reached, and the pipeline's policy refuses more. Nothing was stored.

    Attributes:
        runs: the runs that occupy the places.
    """

    def __init__(self, message: str, *, runs: Sequence[RunChoice]) -> None:
        super().__init__(message)
        self.runs = runs


class WrongState(AdfTriggerError):
    """The run's present state does not allow the operation; the text says why. Nothing was changed.

    Attributes:
        candidates: runs that the request may have started, where its outcome is unknown and the call is about that.
    """

    def __init__(self, message: str, *, candidates: Sequence[RunCandidate] | None = None) -> None:
        super().__init__(message)
        self.candidates = candidates


class DataFactoryFailed(AdfTriggerError):
    """Data Factory gave no usable answer to a read that a caller waits for, and a repeat would get none either."""


class TryLater(AdfTriggerError):
    """The request cannot be accepted right now, and nothing of it was stored: it may be sent again.

    Attributes:
        retry_after: seconds after which a retry is worthwhile.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLate(AdfTriggerError):
    """A message could not be accepted within the start deadline."""


class LedgerError(AdfTriggerError):
    """The run ledger could not be read or written; nothing is known to have changed."""


class LedgerConflict(LedgerError):
    """A conditional write lost: the record has changed since it was read."""


class UnreadableRow(LedgerError):
    """One row of the ledger cannot be decoded, or one record does not fit; others are not affected."""


class PublishError(AdfTriggerError):
    """A message could not be written to its queue; it may be sent again."""


class CredentialError(AdfTriggerError):
    """No token could be acquired, so nothing was sent to Data Factory. Its text holds no secret.

    Attributes:
        retry_after: seconds that the token service asks to wait; None if it named none.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DataFactoryError(AdfTriggerError):
    """A call of the Data Factory API did not succeed.

    Attributes:
        status: HTTP status of the reply; None if there was no reply.
        code: the service's error code (`NotFound`, `BadRequest`, …); None if it gave none.
        target: the error's target, as the service names it.
        request_id: `x-ms-request-id` of the reply.
        correlation_id: `x-ms-correlation-request-id` of the reply.
        client_request_id: the `x-ms-client-request-id` that the call carried.
        retry_after: seconds that the service asks to wait; None if it named none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        target: str | None = None,
        request_id: str | None = None,
        correlation_id: str | None = None,
        client_request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.target = target
        self.request_id = request_id
        self.correlation_id = correlation_id
        self.client_request_id = client_request_id
        self.retry_after = retry_after


class NotSent(DataFactoryError):
    """No connection was made: the request never left, so nothing happened."""


class Refused(DataFactoryError):
    """A definite refusal: nothing happened.

    4xx, except 408, and except a 409 that may stem from the same run's own earlier createRun.
    """


class BadRequest(Refused):
    """400, or another 4xx that has no class of its own."""


class ResourceNotFound(Refused):
    """404 by Data Factory itself: there is no such pipeline or run. A missing factory is ScopeNotFound."""


class RunNotFound(ResourceNotFound):
    """ReferencedPipelineRunNotFound, sent as 400: there is no such run to rerun, or to cancel."""


class PreconditionFailed(Refused):
    """412: the ETag given in If-Match is not the current one."""


class Throttled(Refused):
    """429: too many calls. Nothing happened; `retry_after` says how long to wait."""


class PipelineQueueFull(Refused):
    """400, but not the request's fault: the pipeline's queue of waiting runs is full."""


class FactoryUnusable(Refused):
    """A definite refusal that is not the request's fault: the factory cannot be used at present."""


class Unauthorized(FactoryUnusable):
    """401: the token is missing, expired or not for this service."""


class Forbidden(FactoryUnusable):
    """403: the identity has no role that allows this on this scope, or the role has no effect yet."""


class ScopeNotFound(FactoryUnusable):
    """404 that is not Data Factory's: the subscription, the resource group or the factory is not found.

    It says nothing about a run or a pipeline in it.
    """


class ScopeLocked(FactoryUnusable):
    """A lock on the factory, its group or its subscription forbids the call."""


class SubscriptionUnusable(FactoryUnusable):
    """The subscription is disabled, or not registered for Data Factory or for this version of its API."""


class FactoryFull(FactoryUnusable):
    """400, but not the request's fault: the factory's limit of active runs (10,000 by default) is reached."""


class QuotaExceeded(FactoryUnusable):
    """A quota of the subscription or the factory is used up."""


class Unavailable(DataFactoryError):
    """A read got no usable answer (5xx, 408, time-out, reset, garbled body). Asking again is safe."""


class UnknownOutcome(DataFactoryError):
    """A call with an effect got no clear answer (5xx, 408, some 409, time-out, reset, garbled body).

    It may or may not have happened. It must never be repeated blindly: find out what became of it first.
    """

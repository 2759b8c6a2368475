"""The one tree of errors.

    AdfTriggerError
    ├── SettingsError            the app's settings are wrong; every fault is named
    ├── InvalidRequest           what the caller sent cannot work; every fault is named
    ├── TooLong                  what the caller sent is longer than what is read
    ├── RequestConflict          the idempotency key names another request
    ├── NotFound                 no such run, factory or record
    │   └── FactoryNotFound      no configured factory has that alias
    ├── AmbiguousRun             the id means several runs; each is named with its link
    ├── AtCapacity               as many runs as may go on at once do so; each is named with its link
    ├── WrongState               the run is in no state in which that can be done
    ├── DataFactoryFailed        Data Factory gave no usable answer to a read that somebody waits for
    ├── TryLater                 it cannot be taken just now; nothing was kept of it
    ├── TooLate                  a message could not be taken for as long as a request may wait
    ├── LedgerError              the run ledger cannot be reached
    │   ├── LedgerConflict       a conditional write lost: somebody else was first
    │   └── UnreadableRow        one row cannot be decoded, or a record cannot be kept; others can
    ├── PublishError             a queue message was not written
    ├── CredentialError          no token was acquired (nothing was sent to Data Factory)
    └── DataFactoryError         a call of Data Factory did not succeed
        ├── NotSent              no connection: the request never left, nothing happened
        ├── Refused              a definite no: nothing happened
        │   ├── BadRequest           400 and other 4xx: the request is wrong
        │   ├── ResourceNotFound     404 by Data Factory itself: no such pipeline, run
        │   │   └── RunNotFound      no such run that a call refers to
        │   ├── PreconditionFailed   412: the ETag has moved on
        │   ├── PipelineQueueFull    400: so many runs of the pipeline wait that it takes no more
        │   ├── Throttled            429: too many calls; `retry_after` says when
        │   └── FactoryUnusable      says nothing against the request: it may succeed later as it is
        │       ├── Unauthorized         401: the token was not taken
        │       ├── Forbidden            403: the identity lacks a role
        │       ├── ScopeNotFound        404 by the Resource Manager: no such subscription, group or factory
        │       ├── ScopeLocked          409 and 423: a lock forbids it
        │       ├── SubscriptionUnusable disabled, not registered, or without this API version
        │       ├── FactoryFull          400: so many runs of the factory go on that it takes no more
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
"""What of many faults goes into a text, and so into the log: a request can have tens of thousands."""


class AdfTriggerError(Exception):
    """Root of everything this project raises on purpose."""


class SettingsError(AdfTriggerError):
    """The settings are wrong.

    Attributes:
        faults: one sentence for each setting at fault.
        warnings: what is odd beside that and may explain it, such as a name that no setting has.
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
        pointer: where, as a JSON pointer into the body (`/parameters/day`) or the name of a header or
            query parameter.
        message: what, in a sentence for the caller. Never holds a secret value.
    """

    pointer: str
    message: str

    @property
    def in_words(self) -> str:
        """The fault in a line; what is wrong with the whole has no place that could be named."""
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class InvalidRequest(AdfTriggerError):
    """What the caller sent can never work. `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        listed = [fault.in_words[:_LISTED_CHARS] for fault in faults[:_LISTED_FAULTS]]
        if len(faults) > _LISTED_FAULTS:
            listed.append(f"and {len(faults) - _LISTED_FAULTS} more faults")
        super().__init__("; ".join(listed))
        self.faults = faults


class TooLong(AdfTriggerError):
    """What the caller sent is longer than what is read of it."""


class RequestConflict(AdfTriggerError):
    """The idempotency key already names a request that asks for something else."""


class NotFound(AdfTriggerError):
    """There is no such run, factory or record."""


class FactoryNotFound(NotFound):
    """No configured factory has that alias."""


class AmbiguousRun(AdfTriggerError):
    """The id means several runs, in several factories or as one's key and another's runId: `choices` has them."""

    def __init__(self, run: str, choices: Sequence[RunChoice]) -> None:
        super().__init__(f"{run} means {len(choices)} runs; ask for one of them")
        self.choices = choices


class AtCapacity(AdfTriggerError):
    """As many runs go on as may at once, and the pipeline's policy refuses more. Nothing was kept of the request.

    Attributes:
        runs: those that are in the way.
    """

    def __init__(self, message: str, *, runs: Sequence[RunChoice]) -> None:
        super().__init__(message)
        self.runs = runs


class WrongState(AdfTriggerError):
    """What is asked for cannot be done to the run as it is now; the text says why. Nothing was changed.

    Attributes:
        candidates: runs that may be the one of a request whose fate is unknown, where that is what is asked about.
    """

    def __init__(self, message: str, *, candidates: Sequence[RunCandidate] | None = None) -> None:
        super().__init__(message)
        self.candidates = candidates


class DataFactoryFailed(AdfTriggerError):
    """A read that somebody waits for got an answer of Data Factory that is of no use, whoever asks again."""


class TryLater(AdfTriggerError):
    """The request cannot be taken just now, and nothing was kept of it: the same request may come again.

    Attributes:
        retry_after: seconds after which it is worth trying.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLate(AdfTriggerError):
    """A message could not be taken for as long as a request may wait to be started."""


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
        retry_after: seconds that the token service asks to wait; None where it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DataFactoryError(AdfTriggerError):
    """A call of the Data Factory API did not succeed.

    Attributes:
        status: HTTP status of the reply; None where there was none.
        code: the service's error code (`NotFound`, `BadRequest`, …); None where it gave none.
        target: what the service says the error is about.
        request_id: `x-ms-request-id` of the reply.
        correlation_id: `x-ms-correlation-request-id` of the reply.
        client_request_id: the `x-ms-client-request-id` that the call carried.
        retry_after: seconds that the service asks to wait; None where it did not say.
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
    """A definite no (4xx but 408, and but 409 where it may be a run's own earlier self): nothing happened."""


class BadRequest(Refused):
    """400, or another 4xx that has no class of its own."""


class ResourceNotFound(Refused):
    """404 by Data Factory itself: there is no such pipeline or run. A missing factory is ScopeNotFound."""


class RunNotFound(ResourceNotFound):
    """ReferencedPipelineRunNotFound, which comes as 400: there is no such run to rerun, or to cancel."""


class PreconditionFailed(Refused):
    """412: the ETag given in If-Match is not the present one."""


class Throttled(Refused):
    """429: too many calls. Nothing happened; `retry_after` says how long to wait."""


class PipelineQueueFull(Refused):
    """400, but it says nothing against the request: as many runs of the pipeline wait as may wait."""


class FactoryUnusable(Refused):
    """A definite no that says nothing against the request: the factory cannot be used now, whatever is asked."""


class Unauthorized(FactoryUnusable):
    """401: the token is missing, expired or not for this service."""


class Forbidden(FactoryUnusable):
    """403: the identity has no role that allows this on this scope, or the role has no effect yet."""


class ScopeNotFound(FactoryUnusable):
    """404 that is not Data Factory's: the subscription, the resource group or the factory is not found.

    It says nothing of a run or a pipeline below.
    """


class ScopeLocked(FactoryUnusable):
    """A lock on the factory, its group or its subscription forbids the call."""


class SubscriptionUnusable(FactoryUnusable):
    """The subscription is disabled, or not registered for Data Factory or for this version of its API."""


class FactoryFull(FactoryUnusable):
    """400, but it says nothing against the request: as many runs of the factory go on as may (10,000 by default)."""


class QuotaExceeded(FactoryUnusable):
    """A quota of the subscription or the factory is used up."""


class Unavailable(DataFactoryError):
    """A read got no usable answer (5xx, 408, time-out, reset, garbled body). Asking again is safe."""


class UnknownOutcome(DataFactoryError):
    """A call with an effect got no clear answer (5xx, 408, some 409, time-out, reset, garbled body).

    It may or may not have happened. It must never be repeated blindly: ask what became of it first.
    """

"""The errors of a call to the service, as its callers see them: one branch of the project's error tree.

    AdfTriggerError
    └── ClientError              root of what the client raises
        ├── NotReached           no connection, or refused unread: nothing happened
        ├── OutcomeUnknown       a call with an effect got no clear answer: it may have happened
        ├── NotAuthorised        401 or 403: the key is missing, or does not authorise this call
        ├── UnexpectedAnswer     the answer is not this service's, or is of another version
        ├── ProblemError         the service refused with a problem document that has every fault
        │   ├── RequestRefused       4xx, and 502 by Data Factory: the request is invalid
        │   ├── RunNotFound          404: no run, message or record has that id
        │   ├── Conflict             409: the state of the run does not allow it
        │   │   ├── AmbiguousRun         the id names several runs; `choices` has them
        │   │   └── AtCapacity           the maximum number of runs is active; `in_the_way` has them
        │   └── NotTaken             503: it cannot be accepted at present, and nothing was stored
        ├── RunFailed            a run that was waited for has ended, and not as Succeeded
        └── WaitTimedOut         a run that was waited for has not ended in time; it continues

Wrong settings of the client are `SettingsError`, as they are for the service.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from adf_trigger.contracts import (
    Problem,
    ProblemFault,
    RunChoice,
    RunView,
)
from adf_trigger.errors import AdfTriggerError
from adf_trigger.results import ActivityError

_LISTED_FAULTS = 20
"""Maximum faults in the text of an error; the error itself has all."""


class ClientError(AdfTriggerError):
    """Root of the errors that the client raises."""


class NotReached(ClientError):
    """The service was not reached in time, so that nothing happened."""


class OutcomeUnknown(ClientError):
    """A call with an effect got no clear answer, repeated or not: it may or may not have happened.

    Attributes:
        key: the idempotency key; the same call with the same key is safe at any time. None where the call has none.
    """

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class NotAuthorised(ClientError):
    """401 or 403, which the platform answers without a body: the key is missing, or does not authorise this call."""


class UnexpectedAnswer(ClientError):
    """The answer is not this service's.

    Attributes:
        status: its HTTP status.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ProblemError(ClientError):
    """The service refused the call with a problem document. The text has its detail and faults.

    Attributes:
        problem: the problem.
        document: the problem as received, with members that this version does not know.
        retry_after: seconds after which the same call may succeed; None where the answer has no Retry-After.
    """

    def __init__(
        self, problem: Problem, document: Mapping[str, Any], *, retry_after: float | None = None
    ) -> None:
        super().__init__(_text_of(problem))
        self.problem = problem
        self.document = document
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The last part of the problem's `type`, such as `key-reused`."""
        return self.problem.type.rstrip("/").rpartition("/")[2]

    @property
    def faults(self) -> Sequence[ProblemFault]:
        """Every fault that was found."""
        return self.problem.errors


class RequestRefused(ProblemError):
    """The request is invalid. It started nothing."""


class RunNotFound(ProblemError):
    """No run, message or record has that id."""


class Conflict(ProblemError):
    """The state of the run does not allow the call."""

    @property
    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """Runs of Data Factory that a request whose outcome is unknown may have started."""
        found = self.document.get("candidates")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class AmbiguousRun(Conflict):
    """The id names several runs."""

    @property
    def choices(self) -> Sequence[RunChoice]:
        """The runs that the id may name, each with an unambiguous link."""
        return self.problem.choices or ()


class AtCapacity(Conflict):
    """The maximum number of runs is active, and the pipeline's policy refuses more. Nothing was stored."""

    @property
    def in_the_way(self) -> Sequence[RunChoice]:
        """The runs that have the places: once one of them has ended, the request may be repeated."""
        return self.problem.in_the_way or ()


class NotTaken(ProblemError):
    """The request cannot be accepted at present, and nothing was stored."""


class RunFailed(ClientError):
    """A run that was waited for has ended, and not as Succeeded.

    Attributes:
        run: the run; `run.status` is Failed, Cancelled, Rejected or Unknown.
        reason: why, in one line.
        errors: the activities that failed, with Data Factory's messages.
    """

    def __init__(self, run: RunView) -> None:
        self.run = run
        self.reason = run.reason or run.message or ""
        self.errors: Sequence[ActivityError] = run.errors or []
        super().__init__(
            f"{run.pipeline} {run.request_id}: {run.status}{f': {self.reason}' if self.reason else ''}"
        )


class WaitTimedOut(ClientError):
    """A run that was waited for has not ended in time. The run was accepted, and continues.

    Attributes:
        run: as last read.
    """

    def __init__(self, run: RunView, seconds: float) -> None:
        super().__init__(
            f"{run.pipeline} {run.request_id}: still {run.status} after {seconds:g} s; the run continues"
        )
        self.run = run


def _text_of(problem: Problem) -> str:
    lines = [problem.detail or problem.title]
    lines += [
        f"  {fault.pointer}: {fault.message}" if fault.pointer else f"  {fault.message}"
        for fault in problem.errors[:_LISTED_FAULTS]
    ]
    if len(problem.errors) > _LISTED_FAULTS:
        lines.append(f"  and {len(problem.errors) - _LISTED_FAULTS} more faults")
    return "\n".join(lines)

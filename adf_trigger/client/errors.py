"""What can go wrong with a call of the service, as its callers see it: one branch of the one tree of errors.

    AdfTriggerError
    └── ClientError              root of what the client raises
        ├── NotReached           no connection, or turned away unread: nothing happened
        ├── OutcomeUnknown       a call with an effect got no clear answer: it may have happened
        ├── NotAuthorised        401 or 403: the key is missing, or does not open this call
        ├── UnexpectedAnswer     whatever answered is not this service, or is of another version
        ├── ProblemError         the service said no, in words: a problem with every fault
        │   ├── RequestRefused       4xx, and 502 by Data Factory: the request as it is cannot work
        │   ├── RunNotFound          404: no run, message or record has that id
        │   ├── Conflict             409: not in the state that the run is in
        │   │   ├── AmbiguousRun         the id means several runs; `choices` has them
        │   │   └── AtCapacity           as many runs go on as may at once; `in_the_way` has them
        │   └── NotTaken             503: it cannot be taken just now, and nothing was kept of it
        ├── RunFailed            a run that was waited for has ended, and not as Succeeded
        └── WaitTimedOut         a run that was waited for has not ended in time; it goes on

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
    """Root of what the client raises."""


class NotReached(ClientError):
    """The service was not reached in the time there was, so that nothing happened."""


class OutcomeUnknown(ClientError):
    """A call with an effect got no clear answer, repeated or not: it may or may not have happened.

    Attributes:
        key: the idempotency key; the same call with the same key is safe at any time. None where the call has none.
    """

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class NotAuthorised(ClientError):
    """401 or 403, which the platform answers without a word: the key is missing, or does not open this call."""


class UnexpectedAnswer(ClientError):
    """The answer is none of this service's.

    Attributes:
        status: its HTTP status.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ProblemError(ClientError):
    """The service said no, in words. The text has the detail and the faults.

    Attributes:
        problem: what it said.
        document: the same as it came, with members that this version does not know.
        retry_after: seconds after which the same may work; None where it did not say.
    """

    def __init__(
        self, problem: Problem, document: Mapping[str, Any], *, retry_after: float | None = None
    ) -> None:
        super().__init__(_told(problem))
        self.problem = problem
        self.document = document
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The last part of the problem's `type`, such as `key-reused`."""
        return self.problem.type.rstrip("/").rpartition("/")[2]

    @property
    def faults(self) -> Sequence[ProblemFault]:
        """Everything that was found wrong."""
        return self.problem.errors


class RequestRefused(ProblemError):
    """The request as it is cannot work. Nothing was started by it."""


class RunNotFound(ProblemError):
    """No run, message or record has that id."""


class Conflict(ProblemError):
    """The run is not in a state in which that can be done."""

    @property
    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """Runs of Data Factory's that may be what a request whose fate is unknown has started."""
        found = self.document.get("candidates")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class AmbiguousRun(Conflict):
    """The id means several runs."""

    @property
    def choices(self) -> Sequence[RunChoice]:
        """The runs of which one may be meant, each with a link that means it alone."""
        return self.problem.choices or ()


class AtCapacity(Conflict):
    """As many runs go on as may at once, and the pipeline's policy refuses more. Nothing was kept of it."""

    @property
    def in_the_way(self) -> Sequence[RunChoice]:
        """The runs that have the places: once one of them has ended, the request may come again."""
        return self.problem.in_the_way or ()


class NotTaken(ProblemError):
    """It cannot be taken just now, and nothing was kept of it."""


class RunFailed(ClientError):
    """A run that was waited for has ended otherwise than as Succeeded.

    Attributes:
        run: the run; `run.status` is Failed, Cancelled, Rejected or Unknown.
        reason: why, in one line.
        errors: the activities that failed, in Data Factory's words.
    """

    def __init__(self, run: RunView) -> None:
        self.run = run
        self.reason = run.reason or run.message or ""
        self.errors: Sequence[ActivityError] = run.errors or []
        super().__init__(
            f"{run.pipeline} {run.request_id}: {run.status}{f': {self.reason}' if self.reason else ''}"
        )


class WaitTimedOut(ClientError):
    """A run that was waited for has not ended in time. The request is decided, and goes on.

    Attributes:
        run: as it was seen last.
    """

    def __init__(self, run: RunView, seconds: float) -> None:
        super().__init__(
            f"{run.pipeline} {run.request_id}: still {run.status} after {seconds:g} s; the run goes on"
        )
        self.run = run


def _told(problem: Problem) -> str:
    lines = [problem.detail or problem.title]
    lines += [
        f"  {fault.pointer}: {fault.message}" if fault.pointer else f"  {fault.message}"
        for fault in problem.errors[:_LISTED_FAULTS]
    ]
    if len(problem.errors) > _LISTED_FAULTS:
        lines.append(f"  and {len(problem.errors) - _LISTED_FAULTS} more faults")
    return "\n".join(lines)

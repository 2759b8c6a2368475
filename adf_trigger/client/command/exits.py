"""Maps the status of a run, or an error, to an exit code. Scripts rely on the codes, so they never change."""

from enum import IntEnum

from adf_trigger.client.errors import NotAuthorised, OutcomeUnknown, RunFailed, WaitTimedOut
from adf_trigger.contracts import RunStatus
from adf_trigger.errors import AdfTriggerError, InvalidRequest, SettingsError


class Exit(IntEnum):
    """The exit codes of the command."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    """Nothing was started or changed: rejected, not found, unreachable."""
    NOT_AUTHORISED = 4
    UNKNOWN = 5
    """The outcome of a run or of a call is unknown."""
    CANCELLED = 6
    TIMED_OUT = 124
    """As in `timeout`(1). The run continues."""
    INTERRUPTED = 130
    """As in shells. The run continues."""


_OF_STATUS = {
    RunStatus.SUCCEEDED: Exit.SUCCEEDED,
    RunStatus.FAILED: Exit.FAILED,
    RunStatus.CANCELLED: Exit.CANCELLED,
    RunStatus.REJECTED: Exit.REFUSED,
    RunStatus.UNKNOWN: Exit.UNKNOWN,
}


def exit_of_status(status: str) -> Exit:
    """The exit code of a run that has ended."""
    return _OF_STATUS.get(RunStatus(status), Exit.UNKNOWN) if status in set(RunStatus) else Exit.UNKNOWN


def exit_of_error(error: AdfTriggerError) -> Exit:
    """The exit code of an error."""
    match error:
        case RunFailed():
            return exit_of_status(error.run.status)
        case WaitTimedOut():
            return Exit.TIMED_OUT
        case NotAuthorised():
            return Exit.NOT_AUTHORISED
        case OutcomeUnknown():
            return Exit.UNKNOWN
        case SettingsError() | InvalidRequest():
            return Exit.USAGE
        case _:
            return Exit.REFUSED

"""Failures of copies, with error code 2200 and a message in the service's well-known form."""

from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed

COPY_ERROR_CODE = "2200"


class DataFailure(ActivityFailed):
    """A failure of data movement, with a message in the service's form.

    Args:
        code: the service's own name of the error, e.g. UserErrorSourceBlobNotExist.
        text: description for users.
        error_code: `error.errorCode` of the activity run.
        failure_type: `error.failureType` of the activity run.
        side: `Source` or `Sink` for errors of which the service reports the side.
        output: output of the activity run.
    """

    def __init__(
        self,
        code: str,
        text: str,
        *,
        error_code: str = COPY_ERROR_CODE,
        failure_type: str = "UserError",
        side: str | None = None,
        output: Any = None,
    ) -> None:
        prefix = f"Failure happened on '{side}' side. " if side else ""
        message = (
            f"{prefix}ErrorCode={code},'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
            f"Message={text},Source=Microsoft.DataTransfer.ClientLibrary,'"
        )
        super().__init__(message, error_code=error_code, failure_type=failure_type, details=[], output=output)
        self.code = code


class NotEmulated(DataFailure):
    """Something that the real service supports and the emulator does not. It fails instead of pretending."""

    def __init__(self, what: str) -> None:
        super().__init__("UserErrorNotEmulated", f"{what} is not emulated by this local Data Factory.")


class InvalidSettings(DataFailure):
    """A property of the activity, the dataset or the linked service is missing or invalid."""

    def __init__(self, text: str) -> None:
        super().__init__("UserErrorInvalidCopySettings", text)

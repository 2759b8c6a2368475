"""Failures as a copy reports them: error code 2200 and a message of one well-known shape."""

from typing import Any

from adf_trigger.emulator.contract.activity import ActivityFailed

COPY_ERROR_CODE = "2200"


class DataFailure(ActivityFailed):
    """A failure of data movement, in the words of the service.

    Args:
        code: the service's own name of the error, e.g. UserErrorSourceBlobNotExist.
        text: what went wrong, for people.
        error_code: `error.errorCode` of the activity run.
        side: `Source` or `Sink`, where the service says on which side it happened.
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
    """Something the real service can do and this one cannot. It is said, never pretended."""

    def __init__(self, what: str) -> None:
        super().__init__("UserErrorNotEmulated", f"{what} is not emulated by this local Data Factory.")


class InvalidSettings(DataFailure):
    """A property of the activity, the dataset or the linked service is missing or makes no sense."""

    def __init__(self, text: str) -> None:
        super().__init__("UserErrorInvalidCopySettings", text)

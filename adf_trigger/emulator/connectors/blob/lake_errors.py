"""Errors of the storage service as failures with the messages of the Azure Data Lake Storage Gen2 connector.

AdlsGen2OperationFailed and its message are from the service's troubleshooting guide, the others from recorded
failures.
"""

import re
from http import HTTPStatus

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient

from adf_trigger.emulator.connectors.blob.errors import error_code
from adf_trigger.emulator.connectors.common.failures import DataFailure

# Errors of the blob endpoint → the corresponding ones of the data lake's own endpoint.
_NO_PATH = ("PathNotFound", "The specified path does not exist.")
_NO_FILE_SYSTEM = ("FilesystemNotFound", "The specified filesystem does not exist.")
_LAKE_ERRORS = {
    "BlobNotFound": _NO_PATH,
    "ContainerNotFound": _NO_FILE_SYSTEM,
    "ResourceNotFound": _NO_PATH,
}


class LakeErrors:
    """Failures with the messages of the Azure Data Lake Storage Gen2 connector."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    def missing(self, path: str, exc: HttpResponseError | None = None) -> DataFailure:
        """UserErrorFileNotFound."""
        code, message = _LAKE_ERRORS.get(error_code(exc), _NO_PATH) if exc else _NO_PATH
        return self._failed(
            "UserErrorFileNotFound", path, _status(HTTPStatus.NOT_FOUND), _details(code, message, exc)
        )

    def nothing_below(self, prefix: str, *, container_exists: bool) -> DataFailure:
        """UserErrorFileNotFound: there is no such folder, or no such file system."""
        details = _details(*(_NO_PATH if container_exists else _NO_FILE_SYSTEM))
        return self._failed(
            "UserErrorFileNotFound", prefix.rstrip("/"), _status(HTTPStatus.NOT_FOUND), details
        )

    def failure_of(self, path: str, side: str, exc: HttpResponseError) -> DataFailure:
        """AdlsGen2OperationFailed with the storage service's own code."""
        code = error_code(exc)
        details = _details(*_LAKE_ERRORS.get(code, (code, str(exc.reason))), exc)
        return self._failed("AdlsGen2OperationFailed", path, _status(exc.status_code), details, side)

    def broken(self, path: str, side: str, why: str) -> DataFailure:
        """AdlsGen2OperationFailed."""
        return self._failed("AdlsGen2OperationFailed", path, f"{why.rstrip('.')}.", "", side)

    def not_created(self, exc: HttpResponseError) -> DataFailure:
        """AdlsGen2OperationFailed on the sink's side, without a path."""
        return self.failure_of("", "Sink", exc)

    def _failed(self, code: str, path: str, what: str, details: str, side: str | None = None) -> DataFailure:
        where = (
            f"Account: '{self._container.account_name}'. FileSystem: '{self._container.container_name}'. "
            f"Path: '{path}'."
        )
        return DataFailure(code, f"ADLS Gen2 operation failed for: {what} {where}{details}.", side=side)


def _status(number: int | None) -> str:
    """A status code by its name in .NET, e.g. NotFound."""
    try:
        name = re.sub(r"\W", "", HTTPStatus(number or 0).phrase.title())
    except ValueError:
        name = str(number)
    return f"Operation returned an invalid status code '{name}'."


def _details(code: str, message: str, exc: HttpResponseError | None = None) -> str:
    """The storage service's error, with the request's id and the time of its reply, if there is one."""
    details = f" ErrorCode: '{code}'. Message: '{message}'."
    headers = getattr(exc.response, "headers", {}) if exc is not None else {}
    for name, header in (("RequestId", "x-ms-request-id"), ("TimeStamp", "Date")):
        if value := headers.get(header):
            details += f" {name}: '{value}'."
    return details

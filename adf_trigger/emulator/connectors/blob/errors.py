"""Errors of the storage service as failures of a copy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import ContainerClient

from adf_trigger.emulator.connectors.common.failures import DataFailure
from adf_trigger.emulator.outbound.storage_account import ACCOUNT

_UNRESOLVED = re.compile(r"Failed to resolve '([^']+)'")
_OBJECT = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>:?\s*")
_QUERY = re.compile(r"\?\S*")
_NOT_FOUND = frozenset({"BlobNotFound", "ContainerNotFound", "ResourceNotFound"})


class StoreErrors(Protocol):
    """Makes the failures of a copy from or to one container. They contain no secrets."""

    def missing(self, path: str, exc: HttpResponseError | None = None) -> DataFailure:
        """A named blob of the source does not exist."""

    def nothing_below(self, prefix: str, *, container_exists: bool) -> DataFailure:
        """A folder or prefix of the source has no blobs."""

    def failure_of(self, path: str, side: str, exc: HttpResponseError) -> DataFailure:
        """The storage service returned an error."""

    def broken(self, path: str, side: str, why: str) -> DataFailure:
        """The storage service did not reply."""

    def not_created(self, exc: HttpResponseError) -> DataFailure:
        """The sink's container is missing and cannot be created."""


class BlobErrors:
    """Failures with the messages of the Azure Blob Storage connector."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container
        self._url = container_url(container)

    def missing(self, path: str, exc: HttpResponseError | None = None) -> DataFailure:  # noqa: ARG002 - of the protocol
        """UserErrorSourceBlobNotExist."""
        return DataFailure(
            "UserErrorSourceBlobNotExist",
            f"The required Blob is missing. ContainerName: {self._url}, path: {path}.",
        )

    def nothing_below(self, prefix: str, *, container_exists: bool) -> DataFailure:
        """UserErrorSourceBlobNotExist."""
        return DataFailure(
            "UserErrorSourceBlobNotExist",
            f"The required Blob is missing. ContainerName: {self._url}, "
            f"ContainerExist: {container_exists}, BlobPrefix: {prefix}, BlobCount: 0.",
        )

    def failure_of(self, path: str, side: str, exc: HttpResponseError) -> DataFailure:
        """AzureBlobOperationFailed with the storage service's own code."""
        return self.broken(path, side, f"{error_code(exc)}: {exc.reason}")

    def broken(self, path: str, side: str, why: str) -> DataFailure:
        """AzureBlobOperationFailed."""
        return DataFailure(
            "AzureBlobOperationFailed",
            f"Blob operation Failed. ContainerName: {self._url}, path: {path}. {why}",
            side=side,
        )

    def not_created(self, exc: HttpResponseError) -> DataFailure:  # noqa: ARG002 - of the protocol
        """AzureBlobFailedToCreateContainer."""
        return DataFailure(
            "AzureBlobFailedToCreateContainer",
            f"Unable to create Azure Blob container. Endpoint: {self._url}, "
            f"Container Name: {self._container.container_name}.",
            side="Sink",
        )


@contextmanager
def translated(errors: StoreErrors, path: str, side: str) -> Iterator[None]:
    """Translate the SDK's exceptions into failures of the copy.

    Raises:
        DataFailure: made by `errors`.
    """
    try:
        yield
    except HttpResponseError as exc:
        if side == "Source" and error_code(exc) in _NOT_FOUND:
            raise errors.missing(path, exc) from exc
        raise errors.failure_of(path, side, exc) from exc
    except AzureError as exc:
        raise errors.broken(path, side, _why(exc)) from exc


def _why(exc: AzureError) -> str:
    """Why a connection failed, as a sentence without Python objects and shared access signatures."""
    message = str(exc.message)
    if unknown := _UNRESOLVED.search(message):
        return (
            f"The remote name could not be resolved: '{unknown[1]}'. The local stack's own account is "
            f"{ACCOUNT}; for another one on this machine the connection string must contain its endpoints."
        )
    return f"{type(exc).__name__}: {_QUERY.sub('', _OBJECT.sub('', message))}"


def error_code(exc: HttpResponseError) -> str:
    """The storage service's own code of an error, e.g. BlobNotFound."""
    code = getattr(exc, "error_code", None)
    # An enumeration member if the SDK knows the code.
    return str(getattr(code, "value", code) or exc.status_code or type(exc).__name__)


def container_url(container: ContainerClient) -> str:
    """The container's URL without a shared access signature."""
    return container.url.partition("?")[0]


def folder_url(container: ContainerClient, folder: str) -> str:
    """URL of a folder in a container, with a slash at its end."""
    return f"{container_url(container)}/{folder}/" if folder else f"{container_url(container)}/"

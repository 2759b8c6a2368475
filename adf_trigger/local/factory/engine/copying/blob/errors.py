"""What the storage service refuses, told in the words of a copy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import ContainerClient

from adf_trigger.local.factory.engine.copying.failures import DataFailure


def container_url(container: ContainerClient) -> str:
    """The container's URL without a shared access signature."""
    return container.url.partition("?")[0]


def folder_url(container: ContainerClient, folder: str) -> str:
    """URL of a folder in a container, with a slash at its end."""
    return f"{container_url(container)}/{folder}/" if folder else f"{container_url(container)}/"


def blob_missing(container: ContainerClient, path: str) -> DataFailure:
    """The failure for one blob that is named and not there."""
    return DataFailure(
        "UserErrorSourceBlobNotExist",
        f"The required Blob is missing. ContainerName: {container_url(container)}, path: {path}.",
    )


def nothing_below(container: ContainerClient, prefix: str, *, container_exists: bool) -> DataFailure:
    """The failure for a folder or prefix that holds no blob at all."""
    return DataFailure(
        "UserErrorSourceBlobNotExist",
        f"The required Blob is missing. ContainerName: {container_url(container)}, "
        f"ContainerExist: {container_exists}, BlobPrefix: {prefix}, BlobCount: 0.",
    )


@contextmanager
def told(container: ContainerClient, path: str, side: str) -> Iterator[None]:
    """Turn the SDK's errors into failures of the copy.

    Raises:
        DataFailure: UserErrorSourceBlobNotExist for a missing blob of the source, else
            AzureBlobOperationFailed with the storage service's own code.
    """
    try:
        yield
    except HttpResponseError as exc:
        code = str(getattr(exc, "error_code", None) or exc.status_code or type(exc).__name__)
        if side == "Source" and code in {"BlobNotFound", "ContainerNotFound", "ResourceNotFound"}:
            raise blob_missing(container, path) from exc
        raise _operation_failed(container, path, side, f"{code}: {exc.reason}") from exc
    except AzureError as exc:
        # Messages of broken connections quote the URL, and a shared access signature with it.
        why = re.sub(r"\?\S*", "", str(exc.message))
        raise _operation_failed(container, path, side, f"{type(exc).__name__}: {why}") from exc


def _operation_failed(container: ContainerClient, path: str, side: str, why: str) -> DataFailure:
    return DataFailure(
        "AzureBlobOperationFailed",
        f"Blob operation Failed. ContainerName: {container_url(container)}, path: {path}. {why}",
        side=side,
    )

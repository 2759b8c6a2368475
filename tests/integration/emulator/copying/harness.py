"""What the tests of copying share: an activity's context without an engine, storage, REST services."""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ResourceTypes,
    generate_account_sas,
)

from adf_trigger.emulator.contract.activity import (
    Activity,
    ActivityResult,
    ResolvedDataset,
)
from tests.support.activity_context import Context

T = TypeVar("T")


def reference(dataset: ResolvedDataset) -> dict[str, str]:
    """A DatasetReference."""
    return {"referenceName": dataset.name, "type": "DatasetReference"}


def on_context(
    body: Callable[[Context], Awaitable[T]],
    type_properties: dict[str, Any],
    *datasets: ResolvedDataset,
    mounts: dict[str, httpx.AsyncBaseTransport] | None = None,
    **attributes: Any,
) -> T:
    """Run a coroutine function on a context of its own; the first dataset is the input, the second the output."""

    async def run() -> T:
        references = [reference(dataset) for dataset in datasets]
        definition = {
            "name": "Copy data1",
            "inputs": references[:1],
            "outputs": references[1:],
            "typeProperties": type_properties,
        }
        named = {dataset.name: dataset for dataset in datasets}
        async with httpx.AsyncClient(timeout=60, mounts=mounts, trust_env=False) as http:
            return await body(Context(definition, http, named, **attributes))

    return asyncio.run(run())


def run(
    activity: Activity, type_properties: dict[str, Any], *datasets: ResolvedDataset, **options: Any
) -> ActivityResult:
    """Run one attempt of an activity."""
    result: ActivityResult = on_context(activity, type_properties, *datasets, **options)
    return result


@dataclass(frozen=True)
class Storage:
    """A container of its own, and datasets on it."""

    container: ContainerClient
    connection_string: str

    def put(self, name: str, content: bytes, **options: Any) -> None:
        self.container.upload_blob(name, content, **options)

    def get(self, name: str) -> bytes:
        return self.container.download_blob(name).readall()

    def names(self) -> list[str]:
        return [blob.name for blob in self.container.list_blobs()]

    def service(self, container: str) -> ContainerClient:
        """Another container of the account."""
        return ContainerClient.from_connection_string(self.connection_string, container)

    def secrets(self) -> dict[str, str]:
        """The account's endpoint and its credentials."""
        with BlobServiceClient.from_connection_string(self.connection_string) as service:
            account, endpoint = str(service.account_name), service.url.rstrip("/")
            key = service.credential.account_key
        hour = datetime.now(tz=UTC) + timedelta(hours=1)
        everything = ResourceTypes(service=True, container=True, object=True)
        reading, writing = AccountSasPermissions(read=True, list=True), AccountSasPermissions(write=True)
        token = generate_account_sas(
            account, account_key=key, resource_types=everything, permission=reading, expiry=hour
        )
        blobs_only = generate_account_sas(
            account,
            account_key=key,
            resource_types=ResourceTypes(object=True),
            permission=writing,
            expiry=hour,
        )
        return {
            "connection": self.connection_string,
            "account": account,
            "endpoint": endpoint,
            "key": key,
            "token": token,
            "sas": f"{endpoint}/?{token}",
            "write_blobs_sas": f"{endpoint}/?{blobs_only}",
        }

    def lake(
        self,
        name: str,
        kind: str = "Binary",
        *,
        folder: str = "",
        file: str = "",
        file_system: str = "",
        linked_service: dict[str, Any] | None = None,
        linked_service_type: str = "AzureBlobFS",
        **properties: Any,
    ) -> ResolvedDataset:
        """A dataset on Data Lake Storage Gen2, by default with the account key."""
        location = {
            "fileSystem": file_system or self.container.container_name,
            "folderPath": folder,
            "fileName": file,
        }
        filled = {key: value for key, value in location.items() if value}
        with BlobServiceClient.from_connection_string(self.connection_string) as service:
            by_key = {"url": service.url, "accountKey": service.credential.account_key}
        return ResolvedDataset(
            name=name,
            type=kind,
            properties={"location": {"type": "AzureBlobFSLocation", **filled}, **properties},
            linked_service_name="AzureDataLakeStorage",
            linked_service_type=linked_service_type,
            linked_service=linked_service or by_key,
        )

    def dataset(
        self,
        name: str,
        kind: str = "Binary",
        *,
        folder: str = "",
        file: str = "",
        container: str = "",
        linked_service: dict[str, Any] | None = None,
        linked_service_type: str = "AzureBlobStorage",
        **properties: Any,
    ) -> ResolvedDataset:
        """A dataset of a format; properties are those of the format."""
        location = {
            "type": "AzureBlobStorageLocation",
            "container": container or self.container.container_name,
            "folderPath": folder,
            "fileName": file,
        }
        return ResolvedDataset(
            name=name,
            type=kind,
            properties={"location": {key: value for key, value in location.items() if value}, **properties},
            linked_service_name="AzureStorageLinkedService",
            linked_service_type=linked_service_type,
            linked_service=linked_service or {"connectionString": self.connection_string},
        )


def copying(
    kind: str, sink_kind: str = "", *, read: Any = None, write: Any = None, **more: Any
) -> dict[str, Any]:
    """The typeProperties of a Copy activity from one format to another.

    Args:
        kind: of the source's dataset.
        sink_kind: of the sink's; the same unless given.
        read: store settings of the source.
        write: store settings of the sink.
        more: of the activity; `source` and `sink` add to those two.
    """
    source = {
        "type": f"{kind}Source",
        "storeSettings": {"type": "AzureBlobStorageReadSettings", **(read or {})},
        **more.pop("source", {}),
    }
    sink = {
        "type": f"{sink_kind or kind}Sink",
        "storeSettings": {"type": "AzureBlobStorageWriteSettings", **(write or {})},
        **more.pop("sink", {}),
    }
    return {"source": source, "sink": sink, **more}


@dataclass(frozen=True)
class Asked:
    """A request as a REST service received it; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """The reply of a REST service; a body that is no bytes is sent as JSON, None as nothing."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class RestService:
    """A real HTTP server on a free port, and its recorded requests."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextmanager
def rest_service(
    answer: Callable[[Asked], Answer], *, tls: ssl.SSLContext | None = None
) -> Iterator[RestService]:
    """Serve a function of a request, over http or https."""
    service = RestService("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            service.asked.append(asked)
            reply = answer(asked)
            body = b"" if reply.body is None else reply.body
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - named by the base class

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        service.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def rest_dataset(
    service: RestService,
    relative_url: str = "",
    *,
    linked_service: dict[str, Any] | None = None,
    **properties: Any,
) -> ResolvedDataset:
    """A RestResource dataset on a service, by default Anonymous."""
    if relative_url:
        properties["relativeUrl"] = relative_url
    return ResolvedDataset(
        name="RestInput",
        type="RestResource",
        properties=properties,
        linked_service_name="RestLinkedService",
        linked_service_type="RestService",
        linked_service={"url": service.url, "authenticationType": "Anonymous"} | (linked_service or {}),
    )

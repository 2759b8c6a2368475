"""A storage account whose requests are counted."""

import threading
from typing import Any

import requests
import requests.adapters
from azure.core.pipeline.transport import RequestsTransport

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.azure.transports import storage_transport


class Requests:
    """A number of requests. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def transport(self, **timeouts: float) -> RequestsTransport:
        """A transport that counts what it sends."""
        transport = storage_transport(**timeouts)
        assert isinstance(transport.session, requests.Session)
        for adapter in transport.session.adapters.values():  # where a call passes, however it was prepared
            self._count_at(adapter)
        return transport

    def _count_at(self, adapter: requests.adapters.BaseAdapter) -> None:
        send = adapter.send

        def counting(*args: Any, **kwargs: Any) -> requests.Response:
            with self._lock:
                self.count += 1
            return send(*args, **kwargs)

        adapter.send = counting  # type: ignore[method-assign]


def counted(connection_string: str) -> tuple[StorageAccount, Requests]:
    """The account, and the number of requests that its clients make."""
    made = Requests()
    return StorageAccount(connection_string=connection_string, make_transport=made.transport), made

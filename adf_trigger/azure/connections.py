"""Connections that know whether any byte of a request has left the machine.

requests' ConnectionError and SSLError cover both "no connection was made" and "the connection broke after the
request was sent". For a call that must not be made twice this difference is decisive, so the lowest layer records it:
the connection itself notes when it connects and when it first writes.
"""

import socket
import ssl
import threading
import time
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError
from urllib3.poolmanager import pool_classes_by_scheme
from urllib3.util.ssl_ import create_urllib3_context

from adf_trigger.azure.deadlines import Deadline
from adf_trigger.azure.whole_requests import WholeRequests, WholeTLSRequests


class Stage(Enum):
    """The progress of this thread's current request."""

    NOT_BEGUN = "not begun"
    """No connection was requested for it yet."""
    CONNECTING = "connecting"
    """A connection is being made: name resolution, a tunnel, the TLS handshake."""
    SENT = "sent"
    """Bytes of it were written: the service may have received it."""


class _Progress(threading.local):
    """A request is made by one thread from end to end, so one note for each thread is enough."""

    stage = Stage.NOT_BEGUN
    connecting = False
    deadline: Deadline | None = None
    idle: float | None = None


_progress = _Progress()


def begin_request(deadline: Deadline, *, idle: float | None = None) -> None:
    """Forget the last request of this thread; the next one is aborted at this deadline.

    Args:
        deadline: of the call.
        idle: maximum seconds that a reused connection may have been idle: the peer may be about to close it, and a call
            sent then gets no answer. None if the call can be repeated.
    """
    _progress.stage = Stage.NOT_BEGUN
    _progress.deadline = deadline
    _progress.idle = idle


def request_stage() -> Stage:
    """The progress of the request that this thread began last."""
    return _progress.stage


def _note_connecting() -> None:
    _progress.stage = Stage.CONNECTING
    _progress.connecting = True


def _note_write() -> None:
    # Bytes written while connecting are for a proxy (CONNECT), not for the service.
    if not _progress.connecting:
        _progress.stage = Stage.SENT


class _TrackingConnection(HTTPConnection):
    # A duplicate of the connection's socket: TLS takes over the original, and closes it.
    _handle: socket.socket | None = None
    unused_since = 0.0

    def connect(self) -> None:
        _note_connecting()
        try:
            super().connect()
        finally:
            _progress.connecting = False

    def send(self, data: Any) -> None:  # noqa: ANN401  # as in http.client
        if self.sock is None:
            self.connect()
        elif self._handle is not None and _progress.deadline is not None:
            _progress.deadline.guard(self._handle)
        if not _progress.connecting:
            self._refuse_late()
        _note_write()
        super().send(data)

    def close(self) -> None:
        super().close()
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()
        self._handle = made.dup()
        if _progress.deadline is not None:
            _progress.deadline.guard(self._handle)
        return made

    def _refuse_late(self) -> None:
        """Send nothing after the deadline of the call: another call may have taken its place."""
        if _progress.deadline is not None and _progress.deadline.is_over:
            raise ConnectTimeoutError(self, "the deadline of the call passed before it could be sent")


class _TrackingTLSConnection(_TrackingConnection, HTTPSConnection):
    """The same over TLS: `super()` above is HTTPSConnection here."""


class _WholeTrackingConnection(WholeRequests, _TrackingConnection):
    pass


class _WholeTrackingTLSConnection(_WholeTrackingConnection, _TrackingTLSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = WholeRequests


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = WholeTLSRequests


class _TrackingPool(HTTPConnectionPool):
    ConnectionCls = _WholeTrackingConnection

    def _get_conn(self, timeout: float | None = None) -> Any:  # noqa: ANN401  # as in the base class
        """A connection; one that was idle for too long is closed first, so that it reconnects."""
        connection = super()._get_conn(timeout)
        if (
            _progress.idle is not None
            and isinstance(connection, _TrackingConnection)
            and connection.is_connected
            and time.monotonic() - connection.unused_since > _progress.idle
        ):
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:  # noqa: ANN401
        if isinstance(conn, _TrackingConnection):
            conn.unused_since = time.monotonic()
        super()._put_conn(conn)


class _TrackingTLSPool(_TrackingPool, HTTPSConnectionPool):
    ConnectionCls = _WholeTrackingTLSConnection


class TrustingAdapter(HTTPAdapter):
    """An adapter of requests that trusts the certificates of a file in addition to the default ones.

    Plain http, which is allowed for loopback addresses only, never uses a proxy: it could read the token or the key.

    Args:
        ca_file: PEM file of certificate authorities; None trusts only the default ones.

    Raises:
        ValueError: the file cannot be read, or contains no certificate.
    """

    _pool_classes: ClassVar[dict[str, type]] = {"http": _Pool, "https": _TLSPool}

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ssl_context = None if ca_file is None else _trusting(ca_file)
        self._last_pool: tuple[object, Any] = (None, None)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*args, **self._trust(kwargs))
        self._use_own_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        """The pools of connections through a proxy."""
        manager: PoolManager = super().proxy_manager_for(*args, **self._trust(kwargs))
        self._use_own_pools(manager)
        return manager

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ANN401  # as in the base class
        proxies: Any = None,  # noqa: ANN401
        cert: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """The pool of connections for a request: that of the last request if it was for the same server."""
        server = urlsplit(str(request.url))
        key = (server.scheme, server.netloc, verify, cert, *sorted((proxies or {}).items()))
        known, pool = self._last_pool
        if known != key:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._last_pool = (key, pool)
        return pool

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._last_pool = (None, None)  # a pool closes them when it is no longer referenced
        super().close()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; plain http bypasses proxies."""
        if (request.url or "").lower().startswith("http://"):
            kwargs["proxies"] = {}
        return super().send(request, *args, **kwargs)

    def _use_own_pools(self, manager: PoolManager) -> None:
        # A SOCKS manager has its own kind of pools; without notes its errors are classified by their type alone.
        if manager.pool_classes_by_scheme is pool_classes_by_scheme:
            manager.pool_classes_by_scheme = self._pool_classes

    def _trust(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return kwargs if self._ssl_context is None else {**kwargs, "ssl_context": self._ssl_context}


def _trusting(ca_file: Path) -> ssl.SSLContext:
    context = create_urllib3_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as exc:  # ssl.SSLError is one
        raise ValueError(f"the CA file {str(ca_file)!r} contains no readable certificate: {exc}") from exc
    return context


class TrackingAdapter(TrustingAdapter):
    """An adapter of requests whose connections note the progress of a request; see `request_stage`."""

    _pool_classes: ClassVar[dict[str, type]] = {"http": _TrackingPool, "https": _TrackingTLSPool}

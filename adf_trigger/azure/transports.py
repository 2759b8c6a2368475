"""The transport of the Azure SDK's storage clients: bounded in time, and in plain http never through a proxy."""

from azure.core.pipeline.transport import RequestsTransport

from adf_trigger.azure.connections import TrustingAdapter
from adf_trigger.azure.sessions import CachingSession


def storage_transport(*, connect_timeout: float, read_timeout: float) -> RequestsTransport:
    """A transport with its own connections.

    Args:
        connect_timeout: seconds to make a connection.
        read_timeout: seconds between two bytes of an answer.
    """
    session = CachingSession()
    for scheme in ("https://", "http://"):
        session.mount(scheme, TrustingAdapter())
    return RequestsTransport(session=session, connection_timeout=connect_timeout, read_timeout=read_timeout)

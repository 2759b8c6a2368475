"""The transport of the Azure SDK's clients of storage: bounded in time, and never through a proxy where it is plain."""

from azure.core.pipeline.transport import RequestsTransport

from adf_trigger.azure.connections import TrustingAdapter
from adf_trigger.azure.sessions import LastingSession


def storage_transport(*, connect_timeout: float, read_timeout: float) -> RequestsTransport:
    """A transport with connections of its own.

    Args:
        connect_timeout: seconds to make a connection.
        read_timeout: seconds between two bytes of an answer.
    """
    session = LastingSession()
    for scheme in ("https://", "http://"):
        session.mount(scheme, TrustingAdapter())
    return RequestsTransport(session=session, connection_timeout=connect_timeout, read_timeout=read_timeout)

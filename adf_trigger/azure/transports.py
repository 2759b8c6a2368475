"""The transport of the Azure SDK's clients of storage: bounded in time, and never through a proxy where it is plain."""

import requests
from azure.core.pipeline.transport import RequestsTransport

from adf_trigger.azure.connections import TrustingAdapter


def storage_transport(*, connect_timeout: float, read_timeout: float) -> RequestsTransport:
    """A transport with connections of its own.

    Args:
        connect_timeout: seconds to make a connection.
        read_timeout: seconds between two bytes of an answer.
    """
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, TrustingAdapter())
    return RequestsTransport(session=session, connection_timeout=connect_timeout, read_timeout=read_timeout)

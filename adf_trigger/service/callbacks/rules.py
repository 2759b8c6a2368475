"""Which addresses a request may have called back."""

from collections.abc import Collection

from adf_trigger.azure.public_addresses import UnsafeAddress, checked_address
from adf_trigger.contracts import MAX_CALL_BACK_URI, RunRequest
from adf_trigger.errors import Fault, InvalidRequest

POINTER = "/callBackUri"


class CallbackRules:
    """Checks addresses against the hosts that may be called. Thread-safe.

    Args:
        hosts: names in lower case; a label `*` stands for any one label, and for one alone.
        loopback: whether this machine may be called, too: for tests.
    """

    def __init__(self, hosts: Collection[str], *, loopback: bool = False) -> None:
        self._hosts = [each.split(".") for each in hosts]
        self._loopback = loopback

    def faults(self, request: RunRequest) -> list[Fault]:
        """The faults of a request's address, in words that show no part of it."""
        # A request of an earlier version, or of a rerun, may lack the field.
        uri = getattr(request, "call_back_uri", None)
        if uri is None:
            return []
        try:
            self.host_of(uri)
        except UnsafeAddress as exc:
            return [Fault(POINTER, str(exc))]
        return []

    def require(self, request: RunRequest) -> None:
        """Require that the address of a request may be called.

        Raises:
            InvalidRequest: it may not.
        """
        if faults := self.faults(request):
            raise InvalidRequest(faults)

    def host_of(self, uri: str) -> str:
        """The host of an address that may be called.

        Raises:
            UnsafeAddress: it may not. The text shows no part of it.
        """
        address = checked_address(uri, loopback=self._loopback, longest=MAX_CALL_BACK_URI)
        if not address.is_loopback and not self._allows(address.host.split(".")):
            raise UnsafeAddress(
                "names a host that is not called back: ADF_TRIGGER_CALLBACK_HOSTS lists those that are"
            )
        return address.host

    def _allows(self, labels: list[str]) -> bool:
        """Whole labels are compared, as many as there are."""
        return any(
            len(labels) == len(host)
            and all(want in ("*", label) for want, label in zip(host, labels, strict=True))
            for host in self._hosts
        )

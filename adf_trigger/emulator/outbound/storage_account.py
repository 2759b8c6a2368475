"""The storage account of the stack: Azurite's, or the one of a connection string."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's well-known key, printed in its documentation: no secret."""

SERVICES = ("blob", "queue", "table")
_PORTS = {"blob": 10_000, "queue": 10_001, "table": 10_002}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccount:
    """The addresses of the account's services, which use plain HTTP on this machine.

    Attributes:
        name: of the account.
        key: of the account.
        endpoints: URL of each service, account included, without a trailing slash.
    """

    name: str
    key: str
    endpoints: dict[str, str]

    def address(self, service: str) -> Address:
        """Host and port of a service."""
        url = urlsplit(self.endpoints[service])
        return url.hostname or "", url.port or 80

    @property
    def connection_string(self) -> str:
        """The account's connection string, for any SDK."""
        endpoints = "".join(
            f"{service.capitalize()}Endpoint={self.endpoints[service]};" for service in SERVICES
        )
        return f"DefaultEndpointsProtocol=http;AccountName={self.name};AccountKey={self.key};{endpoints}"


DEVELOPMENT = StorageAccount(
    name=ACCOUNT,
    key=ACCOUNT_KEY,
    endpoints={service: f"http://127.0.0.1:{port}/{ACCOUNT}" for service, port in _PORTS.items()},
)
"""Azurite at its default ports, which `UseDevelopmentStorage=true` stands for."""


def storage_account(connection_string: str) -> StorageAccount:
    """Read a connection string of an account on this machine.

    Raises:
        ValueError: it lacks the account or an endpoint, or an endpoint is not plain HTTP to a loopback address.
    """
    pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
    given = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if given.get("usedevelopmentstorage", "").lower() == "true":
        return DEVELOPMENT
    missing = [
        name
        for name in (
            "AccountName",
            "AccountKey",
            *(f"{service.capitalize()}Endpoint" for service in SERVICES),
        )
        if not given.get(name.lower())
    ]
    if missing:
        raise ValueError(f"the connection string lacks {', '.join(missing)}")
    endpoints = {service: given[f"{service}endpoint"].rstrip("/") for service in SERVICES}
    for endpoint in endpoints.values():
        _check_local(endpoint)
    return StorageAccount(name=given["accountname"], key=given["accountkey"], endpoints=endpoints)


def _check_local(endpoint: str) -> None:
    url = urlsplit(endpoint)
    try:
        local = url.hostname == "localhost" or ipaddress.ip_address(url.hostname or "").is_loopback
        port = url.port
    except ValueError:
        local, port = False, None
    if url.scheme != "http" or not local or port is None:
        raise ValueError(f"{endpoint} is not plain HTTP to a port of this machine")

"""The addresses of a running stack: the contract between the local stack and its users."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from adf_trigger.emulator.commands.data_folder import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses, names and keys of a running stack. Addresses are on 127.0.0.1 and have no slash at the end.

    Attributes:
        functions_url: the functions host; the API is below /api.
        functions_key: its host key.
        management_url: the emulated Azure Resource Manager, by http.
        management_tls_url: the same by https; its certificate is trusted through ca_file.
        control_url: the emulator's control API, for tests.
        identity_endpoint: the endpoint that a managed identity calls.
        identity_header: the secret that such a call sends.
        authority_url: Microsoft Entra ID, by https.
        tenant_id: its tenant.
        client_id: a service principal that may do everything with factories.
        client_secret: its secret.
        ca_file: PEM file of the authority that signed both https certificates.
        proxy_url: HTTPS proxy that routes Azure's own names to the stack, and refuses all other hosts.
        cloud: which of Azure's clouds the stack stands in for: public, us-government or china.
        storage_connection_string: of Azurite.
        factory_id: resource id of the factory that the app triggers.
        requests_queue: where the app reads requests.
        rejected_queue: where it puts invalid messages.
        events_queue: where it writes completion events.
        table: its run ledger.
        pids: process ids of azurite, emulator and functions.
    """

    functions_url: str
    functions_key: str
    management_url: str
    management_tls_url: str
    control_url: str
    identity_endpoint: str
    identity_header: str
    authority_url: str
    tenant_id: str
    client_id: str
    client_secret: str
    ca_file: str
    proxy_url: str
    cloud: str
    storage_connection_string: str
    factory_id: str
    requests_queue: str
    rejected_queue: str
    events_queue: str
    table: str
    pids: Mapping[str, int]

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the output of `to_json`."""
        return cls(**json.loads(text))

    def ports(self) -> dict[str, int]:
        """TCP ports of its parts, by the names of `Ports`."""
        storage = dict(part.partition("=")[::2] for part in self.storage_connection_string.split(";"))
        addresses = {
            "functions": self.functions_url,
            "management": self.management_url,
            "management_tls": self.management_tls_url,
            "identity": self.identity_endpoint,
            "authority": self.authority_url,
            "proxy": self.proxy_url,
            "blob": storage["BlobEndpoint"],
            "queue": storage["QueueEndpoint"],
            "table": storage["TableEndpoint"],
        }
        return {name: port for name, url in addresses.items() if (port := urlsplit(url).port)}

    def save(self, path: Path) -> None:
        """Write the JSON atomically to a file that only this user may read."""
        write_private(path, self.to_json() + "\n")

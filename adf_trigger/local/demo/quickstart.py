"""The factory of the two quickstarts, created with our own client, and the files that its pipelines copy."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from adf_trigger.azure.clouds import CLOUDS
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.clock import new_id
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.resources import Factories
from adf_trigger.datafactory.transport import Transport
from adf_trigger.emulator.arm.regions import DEFAULT_REGION
from adf_trigger.local.stack.endpoints import Endpoints

CONTAINER = "adftutorial"
PLAIN_PIPELINE = "Adfv2QuickStartPipeline"
PARAM_PIPELINE = "Adfv2QuickStartParamPipeline"
LINKED_SERVICE = "AzureStorageLinkedService"

INPUTS: Mapping[str, bytes] = {
    "input/emp.txt": b"John|Doe\nJane|Doe\n",
    "input/emp2.txt": b"Ada|Lovelace\nGrace|Hopper\nKatherine|Johnson\n",
}
"""Blobs that the pipelines read, by name."""


class Quickstart:
    """The quickstarts' factory on a running stack.

    Args:
        endpoints: of the stack.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        factory = FactoryId.parse(endpoints.factory_id)
        api = _management_api(endpoints)
        self.client = DataFactoryClient(factory, api)
        self._factories = Factories(api)
        self._factory = factory
        self._cloud = endpoints.cloud
        self._storage = endpoints.storage_connection_string

    def provision(self) -> Iterator[tuple[str, str]]:
        """Create or update each resource; yield the kind and name of each."""
        documents: dict[str, Any] = json.loads((files(__package__) / "quickstart.json").read_text("utf-8"))
        wanted = documents["factory"] | {"location": DEFAULT_REGION[self._cloud]}
        created = self._factories.create_or_update(self._factory, **wanted)
        yield "factory", created.name
        storage = {"connectionString": self._storage}
        self.client.linked_services.create_or_update(
            LINKED_SERVICE, {"annotations": [], "type": "AzureBlobStorage", "typeProperties": storage}
        )
        yield "linked service", LINKED_SERVICE
        for name, properties in documents["datasets"].items():
            self.client.datasets.create_or_update(name, properties)
            yield "dataset", name
        for name, properties in documents["pipelines"].items():
            self.client.pipelines.create_or_update(name, properties)
            yield "pipeline", name

    def upload(self) -> None:
        """Put the input files into their container."""
        with BlobServiceClient.from_connection_string(self._storage) as service:
            container = service.get_container_client(CONTAINER)
            with suppress(ResourceExistsError):
                container.create_container()
            for name, content in INPUTS.items():
                container.upload_blob(name, content, overwrite=True)

    def read(self, blob: str) -> bytes:
        """The bytes of a blob of the container."""
        with BlobServiceClient.from_connection_string(self._storage) as service:
            content: bytes = service.get_blob_client(CONTAINER, blob).download_blob().readall()
            return content


def _management_api(endpoints: Endpoints) -> ManagementApi:
    """Calls as the stack's service principal, over https, as in Azure."""
    ca_file = Path(endpoints.ca_file)
    credential = CredentialSettings(
        kind=CredentialKind.SERVICE_PRINCIPAL,
        tenant_id=endpoints.tenant_id,
        client_id=endpoints.client_id,
        client_secret=SecretStr(endpoints.client_secret),
        authority_host=endpoints.authority_url,
        disable_instance_discovery=True,
        ca_file=ca_file,
    )
    return ManagementApi(
        Transport(endpoints.management_tls_url, ca_file=ca_file),
        TokenProvider.of(credential, CLOUDS[endpoints.cloud].token_scope),
        ids=new_id,
    )

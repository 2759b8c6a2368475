"""The factory that contract tests run on: the emulated one, or a real one where the environment names it.

ADF_TRIGGER_TEST_FACTORY     resource id of a factory that tests may define pipelines in and run them
ADF_TRIGGER_TEST_CREDENTIAL  how to sign in to it; default: azure-cli
ADF_TRIGGER_TEST_CLOUD       its cloud; default: public
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from adf_trigger.azure.clouds import PUBLIC, Cloud
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.datafactory.transport import Transport
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.hosting.emulated import Emulated, EmulatorConfig, emulated

LONG = 300.0
"""Seconds that a run may take; a real service queues."""

SECRET = "the secret of every application"
IDENTITY_HEADER = "the secret of the identity endpoint"


@dataclass(frozen=True)
class Target:
    """A factory, and how to reach it.

    Attributes:
        emulated: where the emulated Azure is; None for a real factory.
    """

    factory: FactoryId
    cloud: Cloud
    credential: CredentialSettings
    emulated: Emulated | None

    @contextmanager
    def api(self) -> Iterator[ManagementApi]:
        """The management API for the identity that may do everything."""
        tokens = TokenProvider.of(self.credential, self.cloud.token_scope)
        with Transport(self.cloud.management_endpoint, ca_file=self.credential.ca_file) as transport:
            try:
                yield ManagementApi(transport, tokens)
            finally:
                tokens.close()


def service_principal(azure: Emulated, client_id: str = defaults.OWNER_CLIENT_ID) -> CredentialSettings:
    """How one of the emulator's applications signs in, by its secret."""
    return CredentialSettings(
        kind=CredentialKind.SERVICE_PRINCIPAL,
        tenant_id=defaults.TENANT_ID,
        client_id=client_id,
        client_secret=SecretStr(SECRET),
        authority_host=azure.authority_url,
        disable_instance_discovery=True,
        ca_file=Path(azure.ca_file),
    )


def real_target() -> Target | None:
    """The factory that the environment names, if it does."""
    factory = os.environ.get("ADF_TRIGGER_TEST_FACTORY")
    if not factory:
        return None
    kind = CredentialKind(os.environ.get("ADF_TRIGGER_TEST_CREDENTIAL", CredentialKind.AZURE_CLI))
    cloud = Cloud.named(os.environ.get("ADF_TRIGGER_TEST_CLOUD", "public"))
    credential = CredentialSettings(
        kind=kind,
        tenant_id=os.environ.get("AZURE_TENANT_ID"),
        client_id=os.environ.get("AZURE_CLIENT_ID"),
        client_secret=SecretStr(os.environ["AZURE_CLIENT_SECRET"])
        if "AZURE_CLIENT_SECRET" in os.environ
        else None,
        authority_host=cloud.authority_host,
    )
    return Target(FactoryId.parse(factory), cloud, credential, None)


def emulated_target(azure: Emulated) -> Target:
    """The emulator's own factory, over https."""
    return Target(
        FactoryId.parse(FACTORY_ID), PUBLIC.at(azure.management_tls_url), service_principal(azure), azure
    )


def ended(client: DataFactoryClient, run_id: UUID) -> PipelineRun:
    """The run, once it has ended."""
    limit = time.monotonic() + LONG
    while time.monotonic() < limit:
        run = client.get_run(run_id)
        if run.status in ENDED_IN_DATA_FACTORY:
            return run
        time.sleep(0.1)
    raise AssertionError(f"run {run_id} has not ended")


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulated]:
    """The emulated Azure, in a thread of this process."""
    config = EmulatorConfig(data=folder, client_secret=SECRET, identity_header=IDENTITY_HEADER)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(emulated(config)) as azure:
        yield azure

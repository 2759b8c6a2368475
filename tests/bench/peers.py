"""What others do, in the same run: one GET a run and tick by the official SDK, and its bare create_run.

Airflow's operator and its triggerer, and the SDK's own samples, ask for each run that they wait for. The emulator
answers; everything shares this machine's processors.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from azure.identity import ClientSecretCredential
from azure.mgmt.datafactory import DataFactoryManagementClient

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack
from tests.bench.ceilings import Running
from tests.bench.figures import Figure

CALLS = 200
CALLERS = 8
ACTIVE = 1_000


def measure(repeats: int, *, calls: int = CALLS) -> list[Figure]:
    """Start runs by the SDK, ask for each, and start as many by this service."""
    starts, reads, ours = [], [], []
    with Stack() as endpoints:
        running = Running(endpoints)
        client, names = _official(endpoints), _names(endpoints)
        for _ in range(repeats):
            ids = []
            begun = time.perf_counter()
            with ThreadPoolExecutor(CALLERS) as threads:
                ids = list(threads.map(lambda _: _create(client, names), range(calls)))
            starts.append(calls / (time.perf_counter() - begun))
            reads.append(median(_seconds_to_get(client, names, run_id) for run_id in ids[:calls]))
            ours.append(calls / running.ask(calls))
    return [
        Figure(name=f"the SDK's create_run, {CALLERS} callers", unit="per second", values=starts),
        Figure(name="  this service's POST: checked, kept, started once", unit="per second", values=ours),
        Figure(name="the SDK's pipeline_runs.get", unit="ms", values=[1000 * each for each in reads]),
        Figure(
            name=f"  a tick of one GET a run, {ACTIVE:,} active",
            unit="s",
            values=[ACTIVE * each for each in reads],
        ),
        Figure(name="  calls of Data Factory", unit="calls", values=[float(ACTIVE)] * repeats),
    ]


def _official(endpoints: Endpoints) -> DataFactoryManagementClient:
    return DataFactoryManagementClient(
        ClientSecretCredential(
            endpoints.tenant_id,
            endpoints.client_id,
            endpoints.client_secret,
            authority=endpoints.authority_url,
            disable_instance_discovery=True,
            connection_verify=endpoints.ca_file,
        ),
        FactoryId.parse(endpoints.factory_id).subscription_id,
        base_url=endpoints.management_tls_url,
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=endpoints.ca_file,
    )


def _names(endpoints: Endpoints) -> tuple[str, str]:
    factory = FactoryId.parse(endpoints.factory_id)
    return factory.resource_group, factory.name


def _create(client: DataFactoryManagementClient, names: tuple[str, str]) -> str:
    return str(client.pipelines.create_run(*names, "bench").run_id)


def _seconds_to_get(client: DataFactoryManagementClient, names: tuple[str, str], run_id: str) -> float:
    begun = time.perf_counter()
    client.pipeline_runs.get(*names, run_id)
    return time.perf_counter() - begun

"""The same fault script against the official SDK's create_run, as a caller would use it."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import AzureError
from azure.identity import ClientSecretCredential
from azure.mgmt.datafactory import DataFactoryManagementClient

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.local.stack.endpoints import Endpoints
from tests.chaos import faults
from tests.chaos.faults import Control
from tests.chaos.history import History
from tests.chaos.load import KEY_PARAMETER

THREADS = 16
MOST_CALLS = 20
"""A caller gives up after this number of calls that raised."""

CALL_PARAMETER = "call"
"""Every call hands its number to the run that it starts."""

_PAUSE_SECONDS = 0.3


class OfficialCallers:
    """Start one run a key through the SDK, with its default retries, and call again where it raised.

    Args:
        endpoints: of the stack; the SDK calls it by https.
        control: of the emulator.
        history: records every call.
    """

    def __init__(self, endpoints: Endpoints, control: Control, history: History) -> None:
        self._endpoints = endpoints
        self._factory = FactoryId.parse(endpoints.factory_id)
        self._control = control
        self._history = history
        self._threads = threading.local()
        self._credential = ClientSecretCredential(
            endpoints.tenant_id,
            endpoints.client_id,
            endpoints.client_secret,
            authority=endpoints.authority_url,
            disable_instance_discovery=True,
            connection_verify=endpoints.ca_file,
        )

    def run(self, pipeline: str, keys: Sequence[str], *, ids: str, seed: int) -> None:
        """Start a run for each key under the fault script.

        Args:
            pipeline: defined, with a parameter `key`.
            keys: one a request.
            ids: what the emulator does with `x-ms-client-request-id`: `honoured` or `ignored`.
            seed: of the emulator's dice.
        """
        self._control("POST", "client-request-id", {"mode": ids})
        faults.begin(self._control, seed)
        try:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(lambda key: self._start(pipeline, key, ids), keys))
        finally:
            factory = faults.end(self._control)
            self._control("POST", "client-request-id", {"mode": "honoured"})
        self._history.note("official_factory", ids=ids, **factory)

    def _start(self, pipeline: str, key: str, ids: str) -> None:
        for call in range(1, MOST_CALLS + 1):
            try:
                started = self._client.pipelines.create_run(
                    self._factory.resource_group,
                    self._factory.name,
                    pipeline,
                    parameters={KEY_PARAMETER: key, CALL_PARAMETER: str(call)},
                )
            except AzureError as exc:
                self._history.note("official", ids=ids, key=key, call=call, error=type(exc).__name__)
                time.sleep(_PAUSE_SECONDS)
            else:
                self._history.note("official", ids=ids, key=key, call=call, runId=started.run_id)
                return

    @property
    def _client(self) -> Any:
        if not hasattr(self._threads, "client"):
            self._threads.client = DataFactoryManagementClient(
                self._credential,
                self._factory.subscription_id,
                base_url=self._endpoints.management_tls_url,
                credential_scopes=["https://management.azure.com/.default"],
                connection_verify=self._endpoints.ca_file,
            )
        return self._threads.client

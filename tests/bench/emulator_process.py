"""The emulator as the process that it is in the local stack, alone on the machine but for the client."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from adf_trigger.azure.clouds import PUBLIC
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter
from adf_trigger.datafactory.transport import Transport
from adf_trigger.emulator.commands.data_folder import data_folder
from adf_trigger.emulator.commands.environment import CLIENT_SECRET
from adf_trigger.emulator.common.clock import new_id, utcnow
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.process import Process, ready_line
from tests.bench.figures import BenchFailed
from tests.bench.load import Load, Post, drive

_READY_SECONDS = 60.0
_OPTIONS = ("--json", "--log")
_OK = 200


class EmulatorProcess:
    """A running emulator, and what the benches do with it: by http, with a token of its own authority.

    Args:
        process: the emulator.
        addresses: as it prints them.
        secret: of its service principals.
    """

    def __init__(self, process: Process, addresses: Mapping[str, str], secret: str) -> None:
        self.pid = process.pid
        self._log = process.log
        self._management = addresses["management_url"]
        ca_file = Path(addresses["ca_file"])
        self._tokens = TokenProvider.of(
            CredentialSettings(
                kind=CredentialKind.SERVICE_PRINCIPAL,
                tenant_id=defaults.TENANT_ID,
                client_id=defaults.OWNER_CLIENT_ID,
                client_secret=SecretStr(secret),
                authority_host=addresses["authority_url"],
                disable_instance_discovery=True,
                ca_file=ca_file,
            ),
            PUBLIC.token_scope,
        )
        self._client = DataFactoryClient(
            FactoryId.parse(FACTORY_ID), ManagementApi(Transport(self._management), self._tokens)
        )

    def define(self, pipeline: str, properties: dict[str, Any]) -> None:
        """Publish a pipeline."""
        self._client.pipelines.create_or_update(pipeline, properties)

    def start_runs(self, pipeline: str, *, count: int, callers: int) -> Load:
        """createRun, as the trigger service calls it: with a token and a run id of its own choice.

        Raises:
            BenchFailed: a run was not started.
        """
        token = self._tokens.token()
        post = Post(
            url=f"{self._management}{FACTORY_ID}/pipelines/{pipeline}/createRun?api-version=2018-06-01",
            body=b"{}",
            headers=lambda: {"Authorization": f"Bearer {token}", "x-ms-client-request-id": str(new_id())},
        )
        return drive(post, count=count, callers=callers, wanted=_OK)

    def runs(self) -> list[PipelineRun]:
        """Every run there is."""
        return [run for page in self._client.query_runs(_query()) for run in page.items]

    def is_busy(self) -> bool:
        """Whether a run has not ended: one call, whatever the number of runs."""
        unfinished = FieldFilter(
            operand="Status", operator="In", values=("Queued", "InProgress", "Canceling")
        )
        return bool(next(self._client.query_runs(_query(unfinished))).items)

    def check_log(self) -> None:
        """Look for what the emulator itself takes for a mistake.

        Raises:
            BenchFailed: there is one.
        """
        for line in self._log.read_text().splitlines():
            if " ERROR " in line or line.startswith("Traceback"):
                raise BenchFailed(f"the emulator's log has an error: {line}")


@contextmanager
def emulator() -> Iterator[EmulatorProcess]:
    """Run an emulator with a data folder of its own."""
    secret = defaults.make_secret()
    with data_folder(None) as folder:
        process = Process(
            "emulator",
            [
                sys.executable,
                "-m",
                "adf_trigger.emulator",
                "serve",
                *_OPTIONS,
                "--data",
                str(folder / "emulator"),
            ],
            log=folder / "emulator.log",
            answers=folder / "emulator.ready",
            env=child_environment({CLIENT_SECRET: secret}),
        )
        try:
            yield EmulatorProcess(
                process, process.wait_until_ready(ready_line, timeout=_READY_SECONDS), secret
            )
        finally:
            process.stop()


def _query(*filters: FieldFilter) -> RunFilter:
    now, hour = utcnow(), timedelta(hours=1)
    return RunFilter(last_updated_after=now - hour, last_updated_before=now + hour, filters=filters)

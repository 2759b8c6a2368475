"""A running Azurite."""

import re
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from adf_trigger.local.azurite.install import install
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.node import NODE
from adf_trigger.local.processes.process import Process

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's well-known key, printed in its documentation: no secret."""

_BY_ROW_KEY = Path(__file__).with_name("by_row_key.cjs")
"""Loaded before Azurite, so that finding an entity does not slow down with their number."""

LOAD_LATER = Path(__file__).with_name("load_later.cjs")
"""Loaded before the above, so that Azurite starts in half the time."""

_READY_SECONDS = 60.0
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
_SERVICES = {"Blob", "Queue", "Table"}


class Azurite:
    """Starts Azurite on 127.0.0.1, after installing it if needed, and waits until it listens.

    Args:
        log: file for its output.
        location: folder for its data, written to disk every few seconds and when it is stopped, but lost on
            SIGKILL; None keeps everything in memory.
        blob_port: 0 for a free port, as for the other ports.
        held: see Process.

    Raises:
        AzuriteInstallError: it could not be installed.
        StartFailed: it did not become ready.
    """

    def __init__(
        self,
        *,
        log: Path,
        location: Path | None = None,
        blob_port: int = 0,
        queue_port: int = 0,
        table_port: int = 0,
        held: Collection[int] = (),
    ) -> None:
        persistence = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
        ports = ["--blobPort", blob_port, "--queuePort", queue_port, "--tablePort", table_port]
        options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", *persistence, *map(str, ports)]
        self.process = Process(
            "azurite",
            [NODE, "--require", str(LOAD_LATER), "--require", str(_BY_ROW_KEY), str(install()), *options],
            log=log,
            env=child_environment(),
            held=held,
        )
        addresses = self.process.wait_until_ready(_addresses, timeout=_READY_SECONDS)
        self.blob_url, self.queue_url, self.table_url = (
            f"{addresses[service]}/{ACCOUNT}" for service in ("Blob", "Queue", "Table")
        )

    @property
    def connection_string(self) -> str:
        """The connection string of the only account, for every SDK and for AzureWebJobsStorage."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};TableEndpoint={self.table_url};"
        )

    def stop(self) -> None:
        """Stop it, and let it save its data."""
        self.process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _addresses(output: str) -> dict[str, str] | None:
    addresses: dict[str, str] = dict(_LISTENING.findall(output))
    return addresses if addresses.keys() == _SERVICES else None

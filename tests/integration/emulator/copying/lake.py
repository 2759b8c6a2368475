"""How the tests copy from lake to lake."""

from typing import Any

from tests.integration.emulator.copying.harness import copying

READ = {"type": "AzureBlobFSReadSettings"}
WRITE = {"type": "AzureBlobFSWriteSettings"}
FOLDER = {"hdi_isfolder": "true"}
"""The mark of a folder's blob, as an account with a hierarchical namespace lists it."""


def lake_copying(
    kind: str, sink_kind: str = "", *, read: Any = None, write: Any = None, **more: Any
) -> dict[str, Any]:
    """The typeProperties of a Copy activity from lake to lake."""
    return copying(kind, sink_kind, read=READ | (read or {}), write=WRITE | (write or {}), **more)

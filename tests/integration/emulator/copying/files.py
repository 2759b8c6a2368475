"""The files that the tests of copies have in common."""

from typing import Any

from tests.integration.emulator.copying.harness import Storage

QUICKSTART: dict[str, Any] = {
    "source": {
        "type": "BinarySource",
        "storeSettings": {"type": "AzureBlobStorageReadSettings", "recursive": True},
    },
    "sink": {"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
    "enableStaging": False,
}
TREE = ["in/a.txt", "in/b.csv", "in/sub/c.txt", "in/sub/deeper/d.csv", "other/e.txt"]


def copied(storage: Storage, folder: str = "out") -> list[str]:
    """Names below the sink's folder."""
    return [name.removeprefix(f"{folder}/") for name in storage.names() if name.startswith(f"{folder}/")]

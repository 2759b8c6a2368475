"""The environment of the local stack's processes: this one's, without variables that would lead to the real Azure."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_FOREIGN = re.compile(
    r"(ADF_TRIGGER_|APPLICATIONINSIGHTS_|AZURE_|AZURITE_|AZUREWEBJOBS|AZUREFUNCTIONS|FUNCTIONS_|IDENTITY_|IMDS_|MSI_)",
    re.IGNORECASE,
)
_LOOPBACK = "127.0.0.1,localhost"


def child_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a process of the local stack.

    It excludes this machine's Azure settings, makes calls to loopback addresses bypass any proxy, and makes this
    package importable from any working directory.

    Args:
        settings: variables to set.
    """
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    no_proxy = _joined(",", inherited.get("NO_PROXY") or inherited.get("no_proxy"), _LOOPBACK)
    python_path = _joined(os.pathsep, str(_ROOT), inherited.get("PYTHONPATH"))
    own = {"NO_PROXY": no_proxy, "no_proxy": no_proxy, "PYTHONPATH": python_path}
    return inherited | own | dict(settings or {})


def _joined(separator: str, *parts: str | None) -> str:
    return separator.join(part for part in parts if part)

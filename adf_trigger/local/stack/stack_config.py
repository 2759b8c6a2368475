"""The configuration of a stack, and the receiver of its progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adf_trigger import console
from adf_trigger.emulator.commands.loading import Loading
from adf_trigger.local.processes.ports import Ports

POLL_SCHEDULE = "*/2 * * * * *"
"""On the local stack the timer runs every two seconds, so that events arrive promptly."""

_INSTALLED = Path(__file__).parents[1] / "app"
"""Where a wheel has the function app; in a checkout it lies at the root."""

APP = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[3]
"""Folder of this project's own function app."""


CONSOLE = Path(console.__file__).parent
"""Folder of the page, which the emulator is handed: it serves the files, and knows nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """How a stack is run.

    Attributes:
        data: folder for everything that it writes; it finds there what an earlier stack has left. None is a
            temporary folder, removed after a clean end.
        app: folder with function_app.py.
        ports: where to listen.
        usual_ports: listen where people expect it, and where the data's last stack did; see `ports.usual`.
        poll_schedule: of the app's timer: six NCRONTAB fields.
        settings: app settings beside, or in place of, the local stack's own (see `app_settings`).
        host_options: more arguments for the functions host.
        secrets: JSON file of what stands in for the factory's Key Vaults.
        any_group: take any subscription and resource group to be there.
        allow_hosts: other machines that pipelines may call.
        loading: a factory that is loaded before anything runs.
    """

    data: Path | None = None
    app: Path = APP
    ports: Ports = field(default_factory=Ports)
    usual_ports: bool = False
    poll_schedule: str = POLL_SCHEDULE
    settings: Mapping[str, str] = field(default_factory=dict)
    host_options: tuple[str, ...] = ()
    secrets: Path | None = None
    any_group: bool = False
    allow_hosts: tuple[str, ...] = ()
    loading: Loading | None = None


class Progress:
    """Receives the progress of a start. This one ignores it."""

    def starting(self, part: str) -> None:
        """A part is being started."""

    def started(self, part: str, where: str) -> None:
        """It is ready, there."""

    def said(self, line: str) -> None:
        """There is something to know, in a sentence."""

    def shown(self, line: str) -> None:
        """A line as it is, with paths that are not to be broken."""

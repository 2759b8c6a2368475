"""The configuration of a stack, and the receiver of its progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adf_trigger import console
from adf_trigger.emulator.commands.loading import LoadRequest
from adf_trigger.local.processes.ports import Ports

POLL_SCHEDULE = "*/2 * * * * *"
"""On the local stack the timer runs every two seconds, so that events arrive promptly."""

_INSTALLED = Path(__file__).parents[1] / "app"
"""The function app in a wheel; in a checkout it is at the root."""

APP = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[3]
"""Folder of this project's own function app."""


CONSOLE = Path(console.__file__).parent
"""Folder of the console, which is passed to the emulator: it serves the files without knowing them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """The configuration of a stack.

    Attributes:
        data: folder for everything that it writes, with the data of earlier starts. None is a temporary folder,
            removed after a clean end.
        app: folder with function_app.py.
        ports: to listen on.
        usual_ports: listen on the well-known ports, or those of the last start on this data; see `ports.usual`.
        poll_schedule: of the app's timer: six NCRONTAB fields.
        settings: app settings that are added to the local stack's own, or override them (see `app_settings`).
        host_options: more arguments for the functions host.
        secrets: JSON file with the secrets of the factory's Key Vaults.
        any_group: accept any subscription and resource group as existing.
        allow_hosts: other machines that pipelines may call.
        loading: a factory to load before the start.
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
    loading: LoadRequest | None = None


class Progress:
    """Receives the progress of a start. This one ignores it."""

    def starting(self, part: str) -> None:
        """A part is being started."""

    def started(self, part: str, where: str) -> None:
        """A part is ready; `where` is its address."""

    def note(self, line: str) -> None:
        """A sentence for the user."""

    def shown(self, line: str) -> None:
        """A line that must not be wrapped, since it may have paths."""

"""The command with a service that is a function: on a terminal of 80 columns, or piped."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from adf_trigger.client import Client
from adf_trigger.client.command.main import main
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.command.session import Surroundings
from adf_trigger.client.settings import ClientSettings
from tests.unit.client.service import URL, Service


@dataclass(frozen=True, slots=True)
class Printed:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


def shown(text: str) -> str:
    """A terminal's text without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)


def console(file: io.StringIO, *, terminal: bool, colours: bool = False) -> Console:
    """A terminal of 80 columns, or a pipe."""
    if not terminal:
        return Console(file=file, highlight=False, markup=False, emoji=False, width=1_000_000)
    return Console(
        file=file,
        highlight=False,
        markup=False,
        emoji=False,
        width=80,
        force_terminal=True,
        no_color=not colours,
        color_system="standard" if colours else None,
        legacy_windows=False,
    )


def command(
    service: Service,
    *arguments: str,
    terminal: bool = False,
    colours: bool = False,
    connect: Callable[[ClientSettings], Client] | None = None,
) -> Printed:
    """Run a command of `adf-trigger` with a service."""
    out, err = io.StringIO(), io.StringIO()

    def screen(as_json: bool) -> Screen:  # noqa: FBT001 - as the command expects it
        return Screen(
            as_json=as_json,
            out=console(out, terminal=terminal, colours=colours),
            err=console(err, terminal=terminal, colours=colours),
        )

    around = Surroundings(
        environ={"ADF_TRIGGER_URL": URL, "ADF_TRIGGER_KEY": "a-function-key"},
        connect=connect or (lambda _settings: service.client()),
        screen=screen,
    )
    return Printed(main(list(arguments), around), out.getvalue(), err.getvalue())

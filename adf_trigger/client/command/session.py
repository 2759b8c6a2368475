"""What every command has: a client of the service that is meant, the screen, and the options for both."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from adf_trigger.client.client import Client
from adf_trigger.client.command.screen import Screen
from adf_trigger.client.settings import STORAGE, URL, ClientSettings
from adf_trigger.errors import SettingsError


@dataclass(slots=True)
class Session:
    """What a command works with.

    Attributes:
        screen: where it prints.
        settings: where the service is, and what opens it.
        connect: makes the client.
    """

    screen: Screen
    settings: ClientSettings
    connect: Callable[[ClientSettings], Client]

    def client(self) -> Client:
        """A client of the service: the one that is named, else the local stack that runs.

        Raises:
            SettingsError: there is neither.
        """
        return self.connect(self.settings if self.settings.url else _local(self.settings))

    def storage(self) -> str:
        """Connection string of the storage account.

        Raises:
            SettingsError: none is told.
        """
        if self.settings.storage is None:
            raise SettingsError([f"{STORAGE}: is not set; or name the account with --account"])
        return self.settings.storage.get_secret_value()


def _local(settings: ClientSettings) -> ClientSettings:
    """The local stack that runs, with the key that goes with it: no other key is sent there."""
    from adf_trigger.local.running import NoLocalStack, running_stack  # noqa: PLC0415 - read where it is needed

    try:
        stack = running_stack()
    except NoLocalStack as exc:
        raise SettingsError(
            [
                f"{URL}: is not set, and names no service: https://<app>.azurewebsites.net. Of a local one: {exc}"
            ]
        ) from exc
    return settings.over(url=stack.url, key=stack.key)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the command finds around it; tests give their own.

    Attributes:
        environ: the environment; None for the process's own.
        connect: makes the client.
        impatient: makes one that gives up at once.
        screen: makes the screen, which prints JSON or not.
    """

    environ: Mapping[str, str] | None = None
    connect: Callable[[ClientSettings], Client] = lambda settings: Client(settings=settings)
    impatient: Callable[[ClientSettings], Client] = lambda settings: Client(settings=settings, retry_for=0)
    screen: Callable[[bool], Screen] = lambda as_json: Screen(as_json=as_json)


def session_of(
    ctx: click.Context,
    *,
    url: str | None = None,
    key: str | None = None,
    as_json: bool = False,
    patient: bool = True,
) -> Session:
    """What a command works with; `patient`, calls are made again while that is of use."""
    around = ctx.find_object(Surroundings) or Surroundings()
    settings = ClientSettings.from_env(around.environ).over(url=url, key=key)
    return Session(around.screen(as_json), settings, around.connect if patient else around.impatient)


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its session as the first argument, and the options that lead to it."""

    @click.option(
        "--url", metavar="URL", help="Root of the app; ADF_TRIGGER_URL, or the local stack, unless told."
    )
    @click.option(
        "--key-file",
        type=click.Path(allow_dash=True, dir_okay=False, path_type=Path),
        help="File with the function key, - for standard input; ADF_TRIGGER_KEY unless told.",
    )
    @click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        help="How results are printed.",
    )
    @wraps(command)
    def with_session(*args: Any, url: str | None, key_file: Path | None, output: str, **options: Any) -> Any:
        session = session_of(
            click.get_current_context(), url=url, key=_key(key_file), as_json=output == "json"
        )
        return command(session, *args, **options)

    return with_session


def _key(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, ValueError) as exc:
        raise click.BadParameter(f"it cannot be read: {exc}", param_hint="--key-file") from exc
    if not text.strip():
        raise click.BadParameter("it is empty", param_hint="--key-file")
    return text.strip()

"""What every command shares: the client of the service, the screen, and the options for both."""

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
    """The screen, settings and client of one command.

    Attributes:
        screen: where it prints.
        settings: the service's URL and credentials.
        connect: makes the client.
    """

    screen: Screen
    settings: ClientSettings
    connect: Callable[[ClientSettings], Client]

    def client(self) -> Client:
        """A client of the configured service, else of the running local stack.

        Raises:
            SettingsError: no URL is set, and no local stack is running.
        """
        return self.connect(self.settings if self.settings.url else _local(self.settings))

    def storage(self) -> str:
        """Connection string of the storage account.

        Raises:
            SettingsError: none is set.
        """
        if self.settings.storage is None:
            raise SettingsError([f"{STORAGE}: is not set; or name the account with --account"])
        return self.settings.storage.get_secret_value()


def _local(settings: ClientSettings) -> ClientSettings:
    """Settings for the running local stack, with its own key: no other key is sent there."""
    from adf_trigger.local.running import NoLocalStack, running_stack  # noqa: PLC0415 - imported only where it is needed

    try:
        stack = running_stack()
    except NoLocalStack as exc:
        raise SettingsError(
            [f"{URL}: is not set, like https://<app>.azurewebsites.net, and there is no local stack: {exc}"]
        ) from exc
    return settings.over(url=stack.url, key=stack.key)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment of the command; tests pass their own.

    Attributes:
        environ: the environment variables; None for those of the process.
        connect: makes the client.
        impatient: makes a client that never retries.
        screen: makes the screen; the argument is whether it prints JSON.
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
    """The session of a command; with `patient`, its client retries calls."""
    around = ctx.find_object(Surroundings) or Surroundings()
    settings = ClientSettings.from_env(around.environ).over(url=url, key=key)
    return Session(around.screen(as_json), settings, around.connect if patient else around.impatient)


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass a command its session as the first argument, and add the options that configure it."""

    @click.option(
        "--url", metavar="URL", help="Root of the app; default: ADF_TRIGGER_URL, else the local stack."
    )
    @click.option(
        "--key-file",
        type=click.Path(allow_dash=True, dir_okay=False, path_type=Path),
        help="File with the function key, - for standard input; default: ADF_TRIGGER_KEY.",
    )
    @click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        help="Format of the results.",
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

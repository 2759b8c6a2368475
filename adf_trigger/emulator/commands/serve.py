"""Serves the emulated Azure: Resource Manager with Data Factory, Entra ID, managed identity.

    python -m adf_trigger.emulator serve [--data DIR] [--json]

Prints its addresses once all of them answer; stops on SIGTERM or SIGINT. Its secrets come from the environment
(EMULATOR_CLIENT_SECRET, EMULATOR_IDENTITY_HEADER), or are created once for a data folder. That folder has the layout of
the whole stack's: the emulator's own files are in its folder `emulator`.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from adf_trigger.emulator.commands.data_folder import (
    PATIENCE_SECONDS,
    data_folder,
    emulator_folder,
    exclusive,
    write_private,
)
from adf_trigger.emulator.commands.environment import CLIENT_SECRET, IDENTITY_HEADER, STORAGE
from adf_trigger.emulator.commands.messages import say
from adf_trigger.emulator.commands.options import add_allow_host, add_any_group, add_cloud
from adf_trigger.emulator.commands.ports import port
from adf_trigger.emulator.commands.running import ENDPOINTS, announced
from adf_trigger.emulator.commands.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.commands.secrets_file import secrets_file
from adf_trigger.emulator.commands.signals import stop_signal
from adf_trigger.emulator.commands.stored_values import StoredValues
from adf_trigger.emulator.common.clouds import CLOUDS
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.emulated import Emulated, EmulatorConfig, emulated
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.outbound.storage_account import StorageAccount, storage_account

logger = logging.getLogger(__name__)

_DEFAULT_STORAGE = "UseDevelopmentStorage=true"


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to a parser."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: a temporary one)")
    for flags, what in (
        (("--port", "--management-port"), "http"),
        (("--tls-port", "--management-tls-port"), "https"),
        (("--identity-port",), "the managed-identity endpoint"),
        (("--authority-port",), "Entra ID"),
        (("--proxy-port",), "the proxy under Azure's own names"),
    ):
        parser.add_argument(
            *flags,
            dest=flags[-1].removeprefix("--").replace("-", "_"),
            type=port,
            default=0,
            metavar="N",
            help=f"port of {what} (default: a free one)",
        )
    parser.add_argument("--strict", action="store_true", help="enforce the service's own limits")
    parser.add_argument("--secrets", type=secrets_file, default={}, metavar="FILE", help=SECRETS_HELP)
    add_any_group(parser)
    add_allow_host(parser)
    parser.add_argument(
        "--storage",
        type=_storage,
        metavar="CONNECTION_STRING",
        help=f"the storage account of the stack ({STORAGE}, else Azurite at its default ports)",
    )
    add_cloud(parser)
    parser.add_argument(
        "--console", type=Path, metavar="DIR", help="serve the page in this folder under the control API"
    )
    parser.add_argument("--unannounced", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON line once it is ready")
    parser.add_argument("--log", action="store_true", help="log to standard error")
    parser.set_defaults(run=serve)


def _storage(text: str) -> StorageAccount:
    try:
        return storage_account(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


@dataclass(frozen=True, slots=True)
class ServeHooks:
    """Hooks of a command that runs the emulator.

    Attributes:
        storage: called with the data folder, its lock, and an exit stack that is closed after the emulator; returns the
            connection string of the storage account, or None for the default one.
        report: called with the emulator's addresses, ids and keys, and its data folder, once it answers.
    """

    storage: Callable[[Path, int, ExitStack], str | None] = lambda _data, _lock, _running: None
    report: Callable[[Mapping[str, str], Path], None] | None = None


def serve(options: argparse.Namespace, hooks: ServeHooks | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code: 0, or 1 if it could not run.

    Args:
        options: of the command line.
        hooks: of the command; None for none.

    Raises:
        DataFolderError: the folder cannot be used, or is in use.
    """
    if options.log:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for noisy in ("httpx", "uvicorn"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with ExitStack() as held:
            data = held.enter_context(data_folder(options.data))
            lock = held.enter_context(exclusive(data, patience=PATIENCE_SECONDS))
            hooks = hooks or ServeHooks()
            storage = hooks.storage(data, lock, held)
            stored = StoredValues(data)
            config = EmulatorConfig(
                data=data if options.unannounced else emulator_folder(data),
                client_secret=_secret(CLIENT_SECRET, "client_secret", stored),
                identity_header=_secret(IDENTITY_HEADER, "identity_header", stored),
                management_port=options.management_port,
                management_tls_port=options.management_tls_port,
                identity_port=options.identity_port,
                authority_port=options.authority_port,
                proxy_port=options.proxy_port,
                strict=options.strict,
                any_group=options.any_group,
                secrets=options.secrets,
                cloud=CLOUDS[options.cloud],
                allowed=AllowedHosts.of(options.allow_host),
                console=options.console,
                storage=options.storage or _storage(storage or os.environ.get(STORAGE) or _DEFAULT_STORAGE),
            )
            report = _print_json if options.json else hooks.report or _print_table
            why = asyncio.run(_serve(config, data, report, announce=not options.unannounced))
            say(f"Stopped: {why}.")
    except OSError as exc:
        say(f"The emulator cannot run: {exc}")
        return 1
    return 0


def _secret(variable: str, name: str, stored: StoredValues) -> str:
    """The secret in the environment, or else the one stored in the data folder."""
    return os.environ.get(variable) or stored.secret(name, defaults.make_secret)


async def _serve(
    config: EmulatorConfig, data: Path, report: Callable[[Mapping[str, str], Path], None], *, announce: bool
) -> str:
    """Serve until a stop signal; return its name."""
    stop = stop_signal()
    async with emulated(config) as addresses:
        facts = {
            **asdict(addresses),
            "cloud": config.cloud.name,
            "storage_connection_string": config.storage.connection_string,
            "tenant_id": defaults.TENANT_ID,
            "client_id": defaults.OWNER_CLIENT_ID,
            "client_secret": config.client_secret,
            "identity_header": config.identity_header,
            "factory_id": defaults.FACTORY_ID,
        }
        with ExitStack() as registered:
            if announce:
                write_private(data / ENDPOINTS, json.dumps(facts) + "\n")
                registered.enter_context(announced(data / ENDPOINTS))
            report(facts, data)
            return await _until_stopped(addresses, stop)


async def _until_stopped(addresses: Emulated, stop: asyncio.Future[str]) -> str:
    # Everything loaded so far stays: each collection that scanned it would delay every reply.
    gc.freeze()
    logger.info(
        "The emulator is running at %s", addresses.management_url, extra={"action": "emulator_started"}
    )
    why = await stop
    logger.info("The emulator has stopped", extra={"action": "emulator_stopped"})
    return why


def _print_json(facts: Mapping[str, str], _: Path) -> None:
    sys.stdout.write(json.dumps(facts, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _print_table(facts: Mapping[str, str], _: Path) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print("Ready. Ctrl+C stops it.\n", style="bold green")
    for name, value in facts.items():
        console.print(f"{name:<24} {value}")

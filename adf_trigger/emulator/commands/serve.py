"""Serves the emulated Azure: Resource Manager with Data Factory, Entra ID, managed identity.

    python -m adf_trigger.emulator serve [--data DIR] [--json]

Tells its addresses once all of them answer; ends on SIGTERM or SIGINT. Its secrets come by the environment
(EMULATOR_CLIENT_SECRET, EMULATOR_IDENTITY_HEADER). Where they are not given, the client secret is made once for a data
folder, the other at each start.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from adf_trigger.emulator import defaults
from adf_trigger.emulator.commands.data_folder import (
    PATIENCE_SECONDS,
    data_folder,
    exclusive,
)
from adf_trigger.emulator.commands.environment import CLIENT_SECRET, IDENTITY_HEADER
from adf_trigger.emulator.commands.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.commands.secrets_file import secrets_file
from adf_trigger.emulator.hosting import EmulatorConfig, emulated

logger = logging.getLogger(__name__)

_SECRET_FILE = "client-secret"  # noqa: S105 - the name of a file


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of this command."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep it here (default: a temporary folder)")
    for flags, what in (
        (("--port", "--management-port"), "http"),
        (("--tls-port", "--management-tls-port"), "https"),
        (("--identity-port",), "the managed-identity endpoint"),
        (("--authority-port",), "Entra ID"),
    ):
        parser.add_argument(
            *flags,
            dest=flags[-1].removeprefix("--").replace("-", "_"),
            type=int,
            default=0,
            metavar="N",
            help=f"of {what} (default: a free one)",
        )
    parser.add_argument("--strict", action="store_true", help="hold to the service's own limits")
    parser.add_argument("--secrets", type=secrets_file, default={}, metavar="FILE", help=SECRETS_HELP)
    parser.add_argument("--json", action="store_true", help="print one JSON line once it is ready")
    parser.add_argument("--log", action="store_true", help="log what it does to standard error")
    parser.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT; give the exit code: 0, or 1 if it could not run.

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
            held.enter_context(exclusive(data, patience=PATIENCE_SECONDS))
            config = EmulatorConfig(
                data=data,
                client_secret=os.environ.get(CLIENT_SECRET) or _kept_secret(data),
                identity_header=os.environ.get(IDENTITY_HEADER) or defaults.make_secret(),
                management_port=options.management_port,
                management_tls_port=options.management_tls_port,
                identity_port=options.identity_port,
                authority_port=options.authority_port,
                strict=options.strict,
                secrets=options.secrets,
            )
            asyncio.run(_serve(config, as_json=options.json))
    except OSError as exc:
        sys.stderr.write(f"The emulator cannot run: {exc}\n")
        return 1
    return 0


def _kept_secret(data: Path) -> str:
    """The service principals' secret, the same at every start on the same folder."""
    file = data / _SECRET_FILE
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(defaults.make_secret())
    return file.read_text()


async def _serve(config: EmulatorConfig, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with emulated(config) as addresses:
        _announce(
            {
                **asdict(addresses),
                "tenant_id": defaults.TENANT_ID,
                "client_id": defaults.OWNER_CLIENT_ID,
                "client_secret": config.client_secret,
                "identity_header": config.identity_header,
                "factory_id": defaults.FACTORY_ID,
            },
            as_json=as_json,
        )
        # What has been loaded stays: to look through it again and again would hold up every reply meanwhile.
        gc.freeze()
        logger.info(
            "The emulator is running at %s", addresses.management_url, extra={"action": "emulator_started"}
        )
        await stop.wait()
    logger.info("The emulator has stopped", extra={"action": "emulator_stopped"})


def _announce(facts: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(facts, separators=(",", ":")) + "\n")
        sys.stdout.flush()
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print("Ready. Ctrl+C stops it.\n", style="bold green")
    for name, value in facts.items():
        console.print(f"{name:<24} {value}")

"""`python -m adf_trigger.local factory` runs the Data Factory alone; `import` loads one that exists elsewhere."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from adf_trigger.emulator import defaults
from adf_trigger.emulator.app import FactoryConfig, FactoryEmulator
from adf_trigger.emulator.defaults import FACTORY_ID
from adf_trigger.emulator.hosting import EmulatorConfig, emulated
from adf_trigger.emulator.importing import Imported, ImportRefused, import_folder
from adf_trigger.emulator.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.secrets_file import secrets_file
from adf_trigger.local.data_folder import data_folder, exclusive

_SECRET_FILE = "client-secret"  # noqa: S105 - the name of a file
_PATIENCE_SECONDS = 2.0
_PARTS = FACTORY_ID.split("/")
SUBSCRIPTION, RESOURCE_GROUP, FACTORY = _PARTS[2], _PARTS[4], _PARTS[-1]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands to a command line."""
    factory = commands.add_parser("factory", help="run the local Data Factory alone, by http and https")
    factory.add_argument(
        "--data", type=Path, metavar="DIR", help="keep it here (default: a temporary folder)"
    )
    factory.add_argument("--port", type=int, default=0, metavar="N", help="of http (default: a free one)")
    factory.add_argument(
        "--tls-port", type=int, default=0, metavar="N", help="of https (default: a free one)"
    )
    factory.add_argument("--strict", action="store_true", help="hold to the service's own limits")
    factory.add_argument("--secrets", type=secrets_file, default={}, metavar="FILE", help=SECRETS_HELP)
    factory.add_argument("--json", action="store_true", help="print one JSON line once it is ready")
    factory.set_defaults(run=_factory)
    importing = commands.add_parser(
        "import", help="load the folder of a factory's Git repository, or an ARM template of a factory"
    )
    importing.add_argument(
        "folder",
        type=Path,
        help="with pipeline/, dataset/, … or ARMTemplateForFactory.json; or the file of a template",
    )
    importing.add_argument("--data", type=Path, required=True, metavar="DIR", help="of `factory --data`")
    importing.add_argument("--factory", default=FACTORY, metavar="NAME", help="its name here (%(default)s)")
    importing.add_argument(
        "--linked-service",
        action="append",
        default=[],
        type=_linked_service,
        metavar="NAME=FILE",
        help="take this linked service's properties from a JSON file; may be repeated",
    )
    importing.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the template (JSON, if it is no string); may be repeated",
    )
    importing.set_defaults(run=_import)


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _linked_service(text: str) -> tuple[str, Mapping[str, Any]]:
    name, file = _parameter(text)
    try:
        document = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise argparse.ArgumentTypeError(f"{file} cannot be read as JSON: {exc}") from exc
    if not isinstance(document, dict):
        raise argparse.ArgumentTypeError(f"{file} holds no JSON object")
    return name, document.get("properties", document)


def _factory(options: argparse.Namespace) -> int:
    with ExitStack() as held:
        data = held.enter_context(data_folder(options.data))
        held.enter_context(exclusive(data, patience=_PATIENCE_SECONDS))
        config = EmulatorConfig(
            data=data,
            client_secret=_kept_secret(data),
            identity_header=defaults.make_secret(),
            management_port=options.port,
            management_tls_port=options.tls_port,
            strict=options.strict,
            secrets=options.secrets,
        )
        try:
            asyncio.run(_serve(config, as_json=options.json))
        except OSError as exc:
            sys.stderr.write(f"The Data Factory cannot run: {exc}\n")
            return 1
    return 0


def _kept_secret(data: Path) -> str:
    """The service principal's secret, the same at every start on the same folder."""
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
        facts = {
            **asdict(addresses),
            "tenant_id": defaults.TENANT_ID,
            "client_id": defaults.OWNER_CLIENT_ID,
            "client_secret": config.client_secret,
            "identity_header": config.identity_header,
            "factory_id": FACTORY_ID,
        }
        if as_json:
            sys.stdout.write(json.dumps(facts, separators=(",", ":")) + "\n")
            sys.stdout.flush()
        else:
            console = Console(highlight=False, soft_wrap=True, markup=False)
            console.print("Ready. Ctrl+C stops it.\n", style="bold green")
            for name, value in facts.items():
                console.print(f"{name:<24} {value}")
        await stop.wait()


def _import(options: argparse.Namespace) -> int:
    with ExitStack() as held:
        data = held.enter_context(data_folder(options.data))
        held.enter_context(exclusive(data, patience=_PATIENCE_SECONDS))
        try:
            imported = asyncio.run(_load(data, options))
        except ImportRefused as refused:
            for fault in refused.faults:
                sys.stderr.write(f"{fault}\n")
            return 1
    for kind, count in sorted(imported.documents.items()):
        sys.stdout.write(f"{count:>5} {kind}\n")
    for skipped in imported.skipped:
        sys.stdout.write(f"skipped {skipped}: it is not emulated\n")
    sys.stdout.write(f"into {imported.factory_id}\n")
    return 0


async def _load(data: Path, options: argparse.Namespace) -> Imported:
    emulator = FactoryEmulator(FactoryConfig(data=data))
    await emulator.start()
    try:
        return import_folder(
            emulator.backend,
            options.folder,
            subscription=SUBSCRIPTION,
            resource_group=RESOURCE_GROUP,
            factory=options.factory,
            linked_services=dict(options.linked_service),
            parameters=dict(options.parameter),
        )
    finally:
        await emulator.close()

"""Loads a Data Factory that exists elsewhere into the emulator's data folder.

python -m adf_trigger.emulator import FOLDER --data DIR
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from adf_trigger.emulator.app import FactoryConfig, FactoryEmulator
from adf_trigger.emulator.commands.data_folder import (
    PATIENCE_SECONDS,
    data_folder,
    exclusive,
)
from adf_trigger.emulator.defaults import FACTORY_ID, RESOURCE_GROUP, SUBSCRIPTION
from adf_trigger.emulator.importing import Imported, ImportRefused, import_folder

FACTORY = FACTORY_ID.rpartition("/")[2]


def add_import(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of this command."""
    parser.add_argument(
        "folder",
        type=Path,
        help="with pipeline/, dataset/, … or ARMTemplateForFactory.json; or the file of a template",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the emulator's data folder")
    parser.add_argument("--factory", default=FACTORY, metavar="NAME", help="its name here (%(default)s)")
    parser.add_argument(
        "--linked-service",
        action="append",
        default=[],
        type=_linked_service,
        metavar="NAME=FILE",
        help="take this linked service's properties from a JSON file; may be repeated",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the template (JSON, if it is no string); may be repeated",
    )
    parser.set_defaults(run=load)


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


def load(options: argparse.Namespace) -> int:
    """Load it; give the exit code: 0, or 1 with every fault on standard error.

    Raises:
        DataFolderError: the folder cannot be used, or is in use.
    """
    with ExitStack() as held:
        data = held.enter_context(data_folder(options.data))
        held.enter_context(exclusive(data, patience=PATIENCE_SECONDS))
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

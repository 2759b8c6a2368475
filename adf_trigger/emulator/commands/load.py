"""Loads a Data Factory that exists elsewhere into a stack's data folder.

python -m adf_trigger.local import FOLDER --data DIR
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.data_folder import (
    PATIENCE_SECONDS,
    data_folder,
    emulator_folder,
    exclusive,
)
from adf_trigger.emulator.commands.loaded import lacking_lines, loaded_lines, refused
from adf_trigger.emulator.commands.telling import say
from adf_trigger.emulator.hosting.app import DATABASE, FactoryConfig, FactoryEmulator
from adf_trigger.emulator.hosting.defaults import FACTORY_ID, RESOURCE_GROUP, SUBSCRIPTION
from adf_trigger.emulator.importing.factory import Imported, import_folder
from adf_trigger.emulator.importing.inspection import Inspected, inspect
from adf_trigger.emulator.importing.sources import ImportFailed
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.store import Store

FACTORY = FACTORY_ID.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What is to be loaded.

    Attributes:
        source: folder of a factory's Git repository, or ARM template.
        factory: its name here.
        linked_services: by name, properties in the place of those in the source.
        parameters: of the template.
        to_azurite: lead its other linked services to blob storage and data lakes to the stack's own storage.
        allowed: other machines that its pipelines may call, for what is said of them.
    """

    source: Path
    factory: str = FACTORY
    linked_services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    to_azurite: bool = False
    allowed: AllowedHosts = field(default_factory=AllowedHosts)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What has come of it.

    Attributes:
        lines: what there is to say.
        failing: pipelines of which a run can fail for want of something that is not here, or not allowed.
    """

    lines: Sequence[str]
    failing: frozenset[str]


def load_factory(home: Path, loading: Loading) -> Loaded:
    """Load it into the emulator's own folder, while no emulator runs on it.

    Raises:
        ImportFailed: something is wrong with it; every fault is named.
    """
    imported, inspected = asyncio.run(_load(home, loading))
    return Loaded(
        list(loaded_lines(imported, inspected, loading.allowed)),
        _failing(inspected, loading.allowed),
    )


def look_at(home: Path, allowed: AllowedHosts) -> Loaded:
    """What there is to say of the stack's factory as earlier commands have left it, while no emulator runs on it.

    Args:
        home: the emulator's own folder.
        allowed: other machines that its pipelines may call.
    """
    if not (home / DATABASE).is_file():
        return Loaded([], frozenset())
    store = Store(home / DATABASE)
    try:
        inspected = list(inspect(store, FACTORY_ID))
    finally:
        store.close()
    return Loaded(list(lacking_lines(inspected, allowed)), _failing(inspected, allowed))


def _failing(inspected: Iterable[Inspected], allowed: AllowedHosts) -> frozenset[str]:
    return frozenset(each.pipeline for each in inspected if each.not_emulated or refused(each, allowed))


def add_import(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of this command."""
    parser.add_argument("folder", type=Path, help=f"{SOURCE_HELP}; or the file of a template")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the stack's data folder")
    parser.add_argument("--factory", default=FACTORY, metavar="NAME", help="its name here (%(default)s)")
    parser.add_argument(
        "--azurite",
        action="store_true",
        help="lead its linked services to blob storage and data lakes to the stack's Azurite",
    )
    add_choices(parser)
    parser.set_defaults(run=load)


SOURCE_HELP = "with pipeline/, dataset/, … or ARMTemplateForFactory.json"


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options on what is loaded."""
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
    properties = document.get("properties", document) if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        raise argparse.ArgumentTypeError(f"{file} holds no JSON object")
    return name, properties


def load(options: argparse.Namespace) -> int:
    """Load it; give the exit code: 0, or 1 with every fault on standard error.

    Raises:
        DataFolderError: the folder cannot be used, or is in use.
    """
    loading = Loading(
        source=options.folder,
        factory=options.factory,
        linked_services=dict(options.linked_service),
        parameters=dict(options.parameter),
        to_azurite=options.azurite,
    )
    with ExitStack() as held:
        data = held.enter_context(data_folder(options.data))
        held.enter_context(exclusive(data, patience=PATIENCE_SECONDS))
        try:
            lines = load_factory(emulator_folder(data), loading).lines
        except ImportFailed as refused:
            say("\n".join(refused.faults))
            return 1
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0


async def _load(home: Path, loading: Loading) -> tuple[Imported, list[Inspected]]:
    emulator = FactoryEmulator(FactoryConfig(data=home))
    await emulator.start()
    try:
        imported = import_folder(
            emulator.backend,
            loading.source,
            subscription=SUBSCRIPTION,
            resource_group=RESOURCE_GROUP,
            factory=loading.factory,
            linked_services=loading.linked_services,
            parameters=loading.parameters,
            to_azurite=loading.to_azurite,
        )
        return imported, list(inspect(emulator.backend.store, imported.factory_id))
    finally:
        await emulator.close()

"""Loads an existing factory into the emulator's folder, and reports which of its pipelines will not run."""

import argparse
import asyncio
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from adf_trigger.emulator.commands.data_folder import (
    DATABASE,
    PATIENCE_SECONDS,
    data_folder,
    emulator_folder,
    exclusive,
)
from adf_trigger.emulator.commands.loaded import lacking_lines, loaded_lines, refused
from adf_trigger.emulator.commands.loading import LoadReport, LoadRequest
from adf_trigger.emulator.commands.messages import say
from adf_trigger.emulator.hosting.app import FactoryConfig, FactoryEmulator
from adf_trigger.emulator.hosting.defaults import FACTORY_ID, RESOURCE_GROUP, SUBSCRIPTION
from adf_trigger.emulator.importing.factory import Imported, import_folder
from adf_trigger.emulator.importing.inspection import Inspected, inspect
from adf_trigger.emulator.importing.sources import ImportFailed
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.store import Store


def load_factory(home: Path, loading: LoadRequest) -> LoadReport:
    """Load a factory into the emulator's own folder; no emulator may run on it.

    Raises:
        ImportFailed: the factory has faults; every one is named.
    """
    imported, inspected = asyncio.run(_load(home, loading))
    return LoadReport(
        list(loaded_lines(imported, inspected, loading.allowed)),
        _failing(inspected, loading.allowed),
    )


def inspect_factory(home: Path, allowed: AllowedHosts) -> LoadReport:
    """Report on the stack's factory as earlier commands left it; no emulator may run on it.

    Args:
        home: the emulator's own folder.
        allowed: other machines that its pipelines may call.
    """
    if not (home / DATABASE).is_file():
        return LoadReport([], frozenset())
    store = Store(home / DATABASE)
    try:
        inspected = list(inspect(store, FACTORY_ID))
    finally:
        store.close()
    return LoadReport(list(lacking_lines(inspected, allowed)), _failing(inspected, allowed))


def _failing(inspected: Iterable[Inspected], allowed: AllowedHosts) -> frozenset[str]:
    return frozenset(each.pipeline for each in inspected if each.not_emulated or refused(each, allowed))


def load(options: argparse.Namespace) -> int:
    """Load a factory; return the exit code: 0, or 1 with every fault on standard error.

    Raises:
        DataFolderError: the folder cannot be used, or is in use.
    """
    loading = LoadRequest(
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
        except ImportFailed as failure:
            say("\n".join(failure.faults))
            return 1
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0


async def _load(home: Path, loading: LoadRequest) -> tuple[Imported, list[Inspected]]:
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

"""The sink of a copy, built from the activity, its dataset and the linked service."""

from typing import Any

from adf_trigger.emulator.connectors.catalogue import (
    BYTES_FORMATS,
    RECORD_FORMATS,
    RECORD_STORES,
    check_type,
    file_store,
)
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.flow import Sink
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, section, text
from adf_trigger.emulator.connectors.files.compression import Compression
from adf_trigger.emulator.connectors.files.files import FileWriter
from adf_trigger.emulator.connectors.files.targets import CopyBehavior
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset({"storeSettings", "formatSettings"})


def bytes_sink(
    dataset: ResolvedDataset,
    settings: dict[str, Any],
    context: ActivityContext,
    job: Job,
    *,
    preserve: list[Any],
) -> Sink[bytes]:
    """A sink of bytes.

    Args:
        dataset: Binary.
        settings: `sink` of the activity, evaluated.
        context: supplies tokens.
        job: its threads write.
        preserve: attributes of source files that the activity preserves.

    Raises:
        InvalidSettings: dataset and activity do not match, or a required property is missing.
        NotEmulated: a connector, a codec or a setting is not emulated.
    """
    check_type(settings, dataset, "Sink")
    forbid_unknown(settings, _KNOWN, "the sink")
    for attribute in preserve:
        if attribute != "Attributes":
            raise NotEmulated(f"Preserving '{attribute}' (preserve)")
    store = file_store(dataset).sink(dataset, section(settings, "storeSettings"), context, job)
    encoder = BYTES_FORMATS[dataset.type].encoder(dataset, section(settings, "formatSettings"))
    return FileWriter(store, Compression.of(dataset), encoder, _behavior(settings), preserve=bool(preserve))


def record_sink(
    dataset: ResolvedDataset,
    settings: dict[str, Any],
    context: ActivityContext,
    job: Job,
    *,
    preserve: list[Any],
) -> Sink[Item]:
    """A sink of records.

    Args:
        dataset: of any type with records.
        settings: `sink` of the activity, evaluated.
        context: for connectors that call services.
        job: its threads write.
        preserve: must be empty: only binary copies preserve attributes of files.

    Raises:
        InvalidSettings: dataset and activity do not match, or a required property is missing.
        NotEmulated: a connector, a format or a setting is not emulated.
    """
    check_type(settings, dataset, "Sink")
    if preserve:
        raise NotEmulated("Preserving attributes (preserve) of files that are not Binary")
    if record_store := RECORD_STORES.get(dataset.type):
        return record_store.sink(dataset, settings, context, job)
    forbid_unknown(settings, _KNOWN, "the sink")
    store = file_store(dataset).sink(dataset, section(settings, "storeSettings"), context, job)
    encoder = RECORD_FORMATS[dataset.type].encoder(dataset, section(settings, "formatSettings"))
    if not (store.file_name or encoder.extension):
        raise InvalidSettings(
            "The property 'fileExtension' of formatSettings is required when the sink's dataset "
            "has no file name."
        )
    return FileWriter(store, Compression.of(dataset), encoder, _behavior(settings))


def _behavior(settings: dict[str, Any]) -> CopyBehavior:
    return CopyBehavior.read(text(section(settings, "storeSettings"), "copyBehavior"))

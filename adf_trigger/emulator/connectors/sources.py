"""The source of a Copy or a Lookup, built from the activity, its dataset and the linked service."""

from collections.abc import Mapping
from typing import Any, TypeVar

from adf_trigger.emulator.connectors.catalogue import (
    BYTES_FORMATS,
    RECORD_FORMATS,
    RECORD_STORES,
    check_type,
    file_store,
)
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.flow import Source
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, section
from adf_trigger.emulator.connectors.files.additional import WithColumns
from adf_trigger.emulator.connectors.files.compression import Compression
from adf_trigger.emulator.connectors.files.files import FileReader
from adf_trigger.emulator.connectors.files.partitions import PartitionDiscovery, WithPartitions
from adf_trigger.emulator.connectors.formats.base import Format
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset({"storeSettings", "formatSettings"})

T = TypeVar("T")


def bytes_source(
    dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
) -> Source[bytes]:
    """A source of bytes.

    Args:
        dataset: Binary.
        settings: `source` of the activity, evaluated.
        context: supplies tokens.
        job: its threads read.

    Raises:
        InvalidSettings: dataset and activity do not match, or a required property is missing.
        NotEmulated: a connector, a codec or a setting is not emulated.
    """
    check_type(settings, dataset, "Source")
    forbid_unknown(settings, _KNOWN, "the source")
    delete = flag(section(settings, "storeSettings"), "deleteFilesAfterCompletion")
    return _files(BYTES_FORMATS, dataset, settings, context, job, Rejects(job.statistics), delete=delete)


def record_source(
    dataset: ResolvedDataset,
    settings: dict[str, Any],
    context: ActivityContext,
    job: Job,
    rejects: Rejects,
) -> Source[Item]:
    """A source of records, with the additional columns of the activity.

    Args:
        dataset: of any type with records.
        settings: `source` of the activity, evaluated.
        context: for connectors that call services.
        job: its threads read.
        rejects: receives incompatible rows.

    Raises:
        InvalidSettings: dataset and activity do not match, or a required property is missing.
        NotEmulated: a connector, a format or a setting is not emulated.
    """
    check_type(settings, dataset, "Source")
    if record_store := RECORD_STORES.get(dataset.type):
        source: Source[Item] = record_store.source(dataset, settings, context, job)
    else:
        if dataset.type not in RECORD_FORMATS:
            raise InvalidSettings(f"A dataset of type '{dataset.type}' has no rows to read.")
        forbid_unknown(settings, _KNOWN | {"additionalColumns"}, "the source")
        if flag(section(settings, "storeSettings"), "deleteFilesAfterCompletion"):
            raise InvalidSettings("The property 'deleteFilesAfterCompletion' is for binary copies only.")
        partitions, store_settings = PartitionDiscovery.taken_from(section(settings, "storeSettings"))
        settings = settings | {"storeSettings": store_settings}
        source = _files(RECORD_FORMATS, dataset, settings, context, job, rejects, partitions=partitions)
        if partitions:
            source = WithPartitions(source)
    added = settings.get("additionalColumns")
    return WithColumns(source, added) if added else source


def _files(
    formats: Mapping[str, Format[T]],
    dataset: ResolvedDataset,
    settings: dict[str, Any],
    context: ActivityContext,
    job: Job,
    rejects: Rejects,
    *,
    delete: bool = False,
    partitions: PartitionDiscovery | None = None,
) -> FileReader[T]:
    store = file_store(dataset).source(dataset, section(settings, "storeSettings"), context, job)
    format_settings = section(settings, "formatSettings")
    decoder = formats[dataset.type].decoder(dataset, format_settings, rejects)
    compression = Compression.of(dataset)
    if delete and compression.is_archive:
        raise NotEmulated("The property 'deleteFilesAfterCompletion' for archives")
    reading = section(format_settings, "compressionProperties")
    forbid_unknown(reading, {"preserveZipFileNameAsFolder"}, "compressionProperties")
    folders = flag(reading, "preserveZipFileNameAsFolder", default=True)
    return FileReader(
        store, compression, decoder, delete=delete, archive_folders=folders, partitions=partitions
    )

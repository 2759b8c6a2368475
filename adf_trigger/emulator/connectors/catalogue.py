"""All connectors and formats, one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.connectors.blob.inspector import BlobInspector
from adf_trigger.emulator.connectors.blob.sink import BlobSink
from adf_trigger.emulator.connectors.blob.source import BlobSource
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.flow import Sink, Source
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.records import Item
from adf_trigger.emulator.connectors.common.settings import text
from adf_trigger.emulator.connectors.common.stores import FileInspector, FileSink, FileSource
from adf_trigger.emulator.connectors.formats.base import Format
from adf_trigger.emulator.connectors.formats.binary import Binary
from adf_trigger.emulator.connectors.formats.delimited import DelimitedText
from adf_trigger.emulator.connectors.formats.json_format import Json
from adf_trigger.emulator.connectors.rest.sink import RestSink
from adf_trigger.emulator.connectors.rest.source import RestSource
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset


@dataclass(frozen=True, slots=True)
class FileStore:
    """A connector to files; all three functions take the dataset, storeSettings, the activity's context and the job."""

    source: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], FileSource]
    sink: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], FileSink]
    inspector: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], FileInspector]


@dataclass(frozen=True, slots=True)
class RecordStore:
    """A connector to records without files.

    Both functions take the dataset, the activity's source or sink, its context and the job.

    Attributes:
        linked_service: type of the linked service that its datasets need.
        prefix: of the types of the activity's source and sink: `prefix`Source, `prefix`Sink.
    """

    linked_service: str
    prefix: str
    source: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], Source[Item]]
    sink: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], Sink[Item]]


# By type of the linked service.
FILE_STORES = {
    "AzureBlobFS": FileStore(BlobSource, BlobSink, BlobInspector),
    "AzureBlobStorage": FileStore(BlobSource, BlobSink, BlobInspector),
    "AzureStorage": FileStore(BlobSource, BlobSink, BlobInspector),
}

# By type of the dataset, after which the activity's source and sink are named: JsonSource, JsonSink.
BYTES_FORMATS: dict[str, Format[bytes]] = {
    "Binary": Binary(),
}
RECORD_FORMATS: dict[str, Format[Item]] = {
    "DelimitedText": DelimitedText(),
    "Json": Json(),
}

# By type of the dataset.
RECORD_STORES = {
    "RestResource": RecordStore("RestService", "Rest", RestSource, RestSink),
}


def file_store(dataset: ResolvedDataset) -> FileStore:
    """The connector to a dataset's files.

    Raises:
        NotEmulated: its linked service has no connector.
    """
    store = FILE_STORES.get(dataset.linked_service_type)
    if store is None:
        raise NotEmulated(f"The connector '{dataset.linked_service_type}' of '{dataset.linked_service_name}'")
    return store


def check_type(settings: dict[str, Any], dataset: ResolvedDataset, end: str) -> None:
    """Check that an activity's source or sink has the type of its dataset: a Json dataset needs a JsonSource.

    Args:
        settings: `source` or `sink` of the activity.
        dataset: the dataset that it reads or writes.
        end: Source or Sink.

    Raises:
        InvalidSettings: the types do not match.
        NotEmulated: the dataset's type, or its combination with the linked service, is not emulated.
    """
    record_store = RECORD_STORES.get(dataset.type)
    if record_store is not None and record_store.linked_service != dataset.linked_service_type:
        raise NotEmulated(f"A dataset of type '{dataset.type}' on a {dataset.linked_service_type}")
    if record_store is None and dataset.type not in BYTES_FORMATS and dataset.type not in RECORD_FORMATS:
        raise NotEmulated(f"The dataset type '{dataset.type}' of '{dataset.name}'")
    prefix = record_store.prefix if record_store else dataset.type
    named = text(settings, "type")
    if named.lower() != f"{prefix}{end}".lower():
        raise InvalidSettings(
            f"The {end.lower()} is of type '{named}', but the dataset '{dataset.name}' is of type "
            f"'{dataset.type}'."
        )

"""Which connectors and formats there are: one line for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adf_trigger.local.factory.engine.activities.base import ActivityContext, ResolvedDataset
from adf_trigger.local.factory.engine.copying.blob.sink import BlobSink
from adf_trigger.local.factory.engine.copying.blob.source import BlobSource
from adf_trigger.local.factory.engine.copying.flow import Sink, Source
from adf_trigger.local.factory.engine.copying.formats.base import Format
from adf_trigger.local.factory.engine.copying.formats.binary import Binary
from adf_trigger.local.factory.engine.copying.formats.delimited import DelimitedText
from adf_trigger.local.factory.engine.copying.formats.json_format import Json
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.records import Item
from adf_trigger.local.factory.engine.copying.rest.sink import RestSink
from adf_trigger.local.factory.engine.copying.rest.source import RestSource
from adf_trigger.local.factory.engine.copying.stores import FileSink, FileSource


@dataclass(frozen=True, slots=True)
class FileStore:
    """A connector to files; both take the dataset, storeSettings and the job."""

    source: Callable[[ResolvedDataset, dict[str, Any], Job], FileSource]
    sink: Callable[[ResolvedDataset, dict[str, Any], Job], FileSink]


@dataclass(frozen=True, slots=True)
class RecordStore:
    """A connector to records that are in no files; both take the dataset, the activity's settings, and more.

    Attributes:
        linked_service: type of the linked service that its datasets need.
        prefix: what the activity's source and sink are called: `prefix`Source, `prefix`Sink.
    """

    linked_service: str
    prefix: str
    source: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], Source[Item]]
    sink: Callable[[ResolvedDataset, dict[str, Any], ActivityContext, Job], Sink[Item]]


# By type of the linked service.
FILE_STORES = {
    "AzureBlobStorage": FileStore(BlobSource, BlobSink),
}

# By type of the dataset; the activity's source and sink are called after it: JsonSource, JsonSink.
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

"""The source and the sink of a copy, built from the activity, its datasets and their linked services."""

from collections.abc import Iterator
from typing import Any

from adf_trigger.local.factory.engine.activities.base import ActivityContext, ResolvedDataset
from adf_trigger.local.factory.engine.copying.additional import WithColumns
from adf_trigger.local.factory.engine.copying.compression import Compression
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings, NotEmulated
from adf_trigger.local.factory.engine.copying.files import FileReader, FileWriter
from adf_trigger.local.factory.engine.copying.flow import Piece, Sink, Source
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.records import Item, Items
from adf_trigger.local.factory.engine.copying.registry import (
    BYTES_FORMATS,
    FILE_STORES,
    RECORD_FORMATS,
    RECORD_STORES,
    FileStore,
)
from adf_trigger.local.factory.engine.copying.rejects import Rejects
from adf_trigger.local.factory.engine.copying.settings import flag, refuse_unknown, section, text
from adf_trigger.local.factory.engine.copying.statistics import Side
from adf_trigger.local.factory.engine.copying.targets import CopyBehavior
from adf_trigger.local.factory.engine.copying.translator import Translator

_FILE_SOURCE = frozenset({"storeSettings", "formatSettings", "additionalColumns"})
_FILE_SINK = frozenset({"storeSettings", "formatSettings"})


class Ends:
    """Builds both ends of one copy.

    Attributes:
        binary: whether bytes are copied as they are; else records are.

    Raises:
        InvalidSettings: the datasets and the activity disagree.
        NotEmulated: a connector, a format or a setting that is not obeyed here.
    """

    def __init__(
        self,
        context: ActivityContext,
        properties: dict[str, Any],
        source: ResolvedDataset,
        sink: ResolvedDataset,
        job: Job,
    ) -> None:
        self.binary = source.type in BYTES_FORMATS
        if self.binary != (sink.type in BYTES_FORMATS):
            raise InvalidSettings("A Binary dataset can only be copied to a Binary dataset.")
        self._context = context
        self._properties = properties
        self._source, self._sink = source, sink
        self._read, self._write = section(properties, "source"), section(properties, "sink")
        self._job = job
        self._rejects = Rejects(job.statistics, skip=flag(properties, "enableSkipIncompatibleRow"))
        for side, dataset, kind in ((self._read, source, "Source"), (self._write, sink, "Sink")):
            _check_type(side, dataset, kind)

    def bytes_source(self) -> Source[bytes]:
        """The files, as bytes."""
        settings = section(self._read, "storeSettings")
        refuse_unknown(self._read, _FILE_SOURCE - {"additionalColumns"}, "the source")
        refuse_unknown(section(self._properties, "translator"), (), "the translator of a binary copy")
        store = _store(self._source).source(self._source, settings, self._job)
        decoder = BYTES_FORMATS[self._source.type].decoder(
            self._source, section(self._read, "formatSettings"), self._rejects
        )
        delete = flag(settings, "deleteFilesAfterCompletion")
        return FileReader(store, Compression.of(self._source), decoder, delete=delete)

    def bytes_sink(self) -> Sink[bytes]:
        """A folder for bytes."""
        store = _store(self._sink).sink(self._sink, section(self._write, "storeSettings"), self._job)
        encoder = BYTES_FORMATS[self._sink.type].encoder(self._sink, section(self._write, "formatSettings"))
        return FileWriter(
            store, Compression.of(self._sink), encoder, self._behavior(), preserve=self._preserves()
        )

    def record_source(self) -> Source[Item]:
        """The records of files, counted, with additional columns, mapped."""
        return _Mapped(
            self.unmapped_records(),
            Translator(section(self._properties, "translator"), self._rejects),
            self._job.statistics.source,
        )

    def unmapped_records(self) -> Source[Item]:
        """The records, with additional columns."""
        if record_store := RECORD_STORES.get(self._source.type):
            source = record_store.source(self._source, self._read, self._context, self._job)
        else:
            source = self._file_records()
        added = self._read.get("additionalColumns")
        return WithColumns(source, added) if added else source

    def _file_records(self) -> Source[Item]:
        settings = section(self._read, "storeSettings")
        refuse_unknown(self._read, _FILE_SOURCE, "the source")
        if flag(settings, "deleteFilesAfterCompletion"):
            raise InvalidSettings("The property 'deleteFilesAfterCompletion' is for binary copies only.")
        store = _store(self._source).source(self._source, settings, self._job)
        decoder = RECORD_FORMATS[self._source.type].decoder(
            self._source, section(self._read, "formatSettings"), self._rejects
        )
        return FileReader(store, Compression.of(self._source), decoder)

    def record_sink(self) -> Sink[Item]:
        """A place for records, counted."""
        if record_store := RECORD_STORES.get(self._sink.type):
            sink = record_store.sink(self._sink, self._write, self._context, self._job)
        else:
            sink = self._file_sink()
        return _Counted(sink, self._job.statistics.sink)

    def _file_sink(self) -> Sink[Item]:
        refuse_unknown(self._write, _FILE_SINK, "the sink")
        if self._preserves():
            raise NotEmulated("Preserving attributes (preserve) of files that are not Binary")
        store = _store(self._sink).sink(self._sink, section(self._write, "storeSettings"), self._job)
        encoder = RECORD_FORMATS[self._sink.type].encoder(self._sink, section(self._write, "formatSettings"))
        if not (store.file_name or encoder.extension):
            raise InvalidSettings(
                "The property 'fileExtension' of formatSettings is required when the sink's dataset "
                "has no file name."
            )
        return FileWriter(store, Compression.of(self._sink), encoder, self._behavior())

    def _behavior(self) -> CopyBehavior:
        return CopyBehavior.read(text(section(self._write, "storeSettings"), "copyBehavior"))

    def _preserves(self) -> bool:
        wanted = self._properties.get("preserve") or self._properties.get("preserveRules") or []
        for attribute in wanted:
            if attribute != "Attributes":
                raise NotEmulated(f"Preserving '{attribute}' (preserve)")
        return bool(wanted)


def _check_type(side: dict[str, Any], dataset: ResolvedDataset, kind: str) -> None:
    record_store = RECORD_STORES.get(dataset.type)
    if record_store is not None and record_store.linked_service != dataset.linked_service_type:
        raise NotEmulated(f"A dataset of type '{dataset.type}' on a {dataset.linked_service_type}")
    if record_store is None and dataset.type not in BYTES_FORMATS | RECORD_FORMATS:
        raise NotEmulated(f"The dataset type '{dataset.type}' of '{dataset.name}'")
    prefix = record_store.prefix if record_store else dataset.type
    named = text(side, "type")
    if named.lower() != f"{prefix}{kind}".lower():
        raise InvalidSettings(
            f"The {kind.lower()} is of type '{named}', but the dataset '{dataset.name}' is of type "
            f"'{dataset.type}'."
        )


def _store(dataset: ResolvedDataset) -> FileStore:
    store = FILE_STORES.get(dataset.linked_service_type)
    if store is None:
        raise NotEmulated(f"The connector '{dataset.linked_service_type}' of '{dataset.linked_service_name}'")
    return store


class _Mapped:
    """Records of a source, counted and then mapped."""

    def __init__(self, source: Source[Item], translator: Translator, side: Side) -> None:
        self.has_files = source.has_files
        self._source = source
        self._translator = translator
        self._side = side

    def pieces(self) -> Iterator[Piece[Item]]:
        for piece in self._source.pieces():
            items = self._translator.apply(_counted(piece.items, self._side))
            yield Piece(items, piece.path, None, piece.traits, piece.done)


class _Counted:
    """A sink of records that counts what it takes."""

    def __init__(self, sink: Sink[Item], side: Side) -> None:
        self.has_files, self.merges = sink.has_files, sink.merges
        self.expect_several = sink.expect_several
        self._sink = sink
        self._side = side

    def take(self, pieces: Iterator[Piece[Item]]) -> None:
        self._sink.take(
            Piece(_counted(piece.items, self._side), piece.path, None, piece.traits, piece.done)
            for piece in pieces
        )


def _counted(items: Items, side: Side) -> Items:
    rows = 0
    try:
        for item in items:
            rows += isinstance(item, dict)
            yield item
    finally:
        side.add(rows=rows)

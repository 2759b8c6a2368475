"""Counts the records of a copy: as they leave the source, before mapping, and as they reach the sink."""

from collections.abc import Iterator

from adf_trigger.emulator.connectors.common.flow import Piece, Sink, Source
from adf_trigger.emulator.connectors.common.records import Item, Items
from adf_trigger.emulator.connectors.common.statistics import Side
from adf_trigger.emulator.copying.translator import Translator


class MappedSource:
    """A source of records that counts and then maps them."""

    def __init__(self, source: Source[Item], translator: Translator, side: Side) -> None:
        self.root = source.root
        self._source = source
        self._translator = translator
        self._side = side

    def pieces(self) -> Iterator[Piece[Item]]:
        """The source's pieces, mapped."""
        for piece in self._source.pieces():
            items = self._translator.apply(_counted(piece.items, self._side))
            yield Piece(items, piece.path, None, piece.traits, piece.done)


class CountedSink:
    """A sink that counts the records that it writes."""

    def __init__(self, sink: Sink[Item], side: Side) -> None:
        self.root, self.merges = sink.root, sink.merges
        self.expect_several = sink.expect_several
        self._sink = sink
        self._side = side

    def take(self, pieces: Iterator[Piece[Item]]) -> None:
        """Count and pass on."""
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

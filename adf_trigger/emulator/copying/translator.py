"""TabularTranslator: maps the columns or fields of the source to those of the sink."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.json_paths import JsonPath, json_path
from adf_trigger.emulator.connectors.common.records import Columns, Item, Items, Record
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import (
    flag,
    forbid_unknown,
    section,
    text,
    whole_number,
)
from adf_trigger.emulator.connectors.formats.values import as_json
from adf_trigger.emulator.copying.conversion import Convert, converter, incompatible

_KNOWN = frozenset(
    {
        "collectionReference",
        "columnMappings",
        "mapComplexValuesToString",
        "mappings",
        "schemaMapping",
        "typeConversion",
        "typeConversionSettings",
    }
)
# treatBooleanAsNumber is accepted and has no effect: booleans always count as numbers here.
_CONVERSION_KNOWN = frozenset({"allowDataTruncation", "treatBooleanAsNumber"})
_SIDE_KNOWN = frozenset({"name", "ordinal", "path", "physicalType"})
_UNTYPED = frozenset({"", "string"})


@dataclass(frozen=True, slots=True)
class Mapping:
    """One column.

    Attributes:
        take: gets the value from (root, element); the two differ where an array is iterated.
        put: puts the value into the sink's record.
        source_name: name of the source's column if it is mapped by name, else empty.
        source_ordinal: its number from 1 if it is mapped by number, else 0.
        column: name of the sink's column.
        type: the interim type to convert to; empty for no conversion.
        convert: converts to that type; None for no conversion.
    """

    take: Callable[[Record, Any], Any]
    put: Callable[[Record, Any], None]
    source_name: str
    source_ordinal: int
    column: str
    type: str
    convert: Convert | None


class Translator:
    """Maps records. Without mappings it passes them on unchanged."""

    def __init__(self, properties: dict[str, Any], rejects: Rejects) -> None:
        kind = text(properties, "type", "TabularTranslator")
        if kind != "TabularTranslator":
            raise NotEmulated(f"A translator of type '{kind}'")
        forbid_unknown(properties, _KNOWN, "the translator")
        conversion = section(properties, "typeConversionSettings")
        forbid_unknown(conversion, _CONVERSION_KNOWN, "typeConversionSettings")
        truncate = flag(conversion, "allowDataTruncation", default=True)
        self._complex_to_text = flag(properties, "mapComplexValuesToString")
        self._mappings = [_mapping(source, sink, truncate=truncate) for source, sink in _pairs(properties)]
        reference = text(properties, "collectionReference")
        self._collection = json_path(reference) if reference else None
        if self._collection is not None and not self._mappings:
            raise InvalidSettings("A collectionReference needs mappings.")
        self._rejects = rejects

    def apply(self, items: Items) -> Items:
        """The mapped records, preceded by their columns."""
        if not self._mappings:
            return map(self._as_text, items) if self._complex_to_text else items
        return self._mapped(items)

    def _mapped(self, items: Items) -> Items:
        yield Columns(mapping.column for mapping in self._mappings)
        for item in items:
            if isinstance(item, Columns):
                self._check_sources(item)
                continue
            for element in self._elements(item):
                record = self._record(item, element)
                if record is not None:
                    yield record

    def _check_sources(self, columns: Columns) -> None:
        for mapping in self._mappings:
            missing = (mapping.source_name and mapping.source_name not in columns) or (
                mapping.source_ordinal > len(columns)
            )
            if missing:
                raise DataFailure(
                    "UserErrorInvalidColumnMappingColumnNotFound",
                    f"Column '{mapping.source_name or mapping.source_ordinal}' specified in column mapping "
                    "cannot be found in source data.",
                )

    def _elements(self, record: Record) -> Iterator[Any]:
        if self._collection is None:
            yield record
            return
        collection = self._collection.find(record)
        if collection is None:
            return
        if not isinstance(collection, list):
            raise DataFailure(
                "JsonInvalidArrayPathDefinition",
                "Error occurred when deserializing source JSON data. "
                "Check whether the JsonPath in JsonNodeReference and JsonPathDefintion is valid.",
            )
        yield from collection

    def _record(self, root: Record, element: Any) -> Record | None:
        """The mapped record; None if a value cannot be converted and such rows are skipped."""
        mapped: Record = {}
        for mapping in self._mappings:
            value = mapping.take(root, element)
            if self._complex_to_text and isinstance(value, dict | list):
                value = as_json(value)
            if mapping.convert is not None and value is not None:
                try:
                    value = mapping.convert(value)
                except ValueError:
                    self._rejects.row(incompatible(value, mapping.column, mapping.type))
                    return None
            mapping.put(mapped, value)
        return mapped

    def _as_text(self, item: Item) -> Item:
        if isinstance(item, Columns):
            return item
        return {
            name: as_json(value) if isinstance(value, dict | list) else value for name, value in item.items()
        }


def _pairs(properties: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Source and sink of each column, from the current model and the two older ones."""
    for mapping in properties.get("mappings") or []:
        yield section(mapping, "source"), section(mapping, "sink")
    legacy = properties.get("columnMappings") or {}
    if isinstance(legacy, str):
        legacy = dict(pair.split(":", 1) for pair in legacy.split(",") if ":" in pair)
    for source, sink in legacy.items():
        yield {"name": source.strip()}, {"name": sink.strip()}
    for source, sink in section(properties, "schemaMapping").items():
        side = {"path": sink} if sink.startswith("$") else {"name": sink}
        yield {"path": source}, side


def _mapping(source: dict[str, Any], sink: dict[str, Any], *, truncate: bool) -> Mapping:
    for side, name in ((source, "source"), (sink, "sink")):
        forbid_unknown(side, _SIDE_KNOWN, f"a mapping's {name}")
    column, put = _put(sink)
    types = [text(side, "type") for side in (sink, source)]
    wanted = next((name for name in types if name.lower() not in _UNTYPED), "")
    path = text(source, "path")
    name = "" if path else text(source, "name")
    ordinal = 0 if path or name else whole_number(source, "ordinal", 0) or 0
    if not path and not name and ordinal < 1:
        raise InvalidSettings("A mapping's source needs a name, a path, or an ordinal from 1.")
    return Mapping(
        take=_take(path, name, ordinal),
        put=put,
        source_name=name,
        source_ordinal=ordinal,
        column=column,
        type=wanted,
        convert=converter(wanted, truncate=truncate) if wanted else None,
    )


def _take(path_text: str, name: str, ordinal: int) -> Callable[[Record, Any], Any]:
    if path_text:
        path = json_path(path_text)
        return lambda root, element: path.find(root if path.from_root else element)
    if name:
        return lambda root, element: (element if isinstance(element, dict) else root).get(name)
    return lambda root, element: next(islice(root.values(), ordinal - 1, None), None)  # noqa: ARG005 - elements have names, not numbers


def _put(sink: dict[str, Any]) -> tuple[str, Callable[[Record, Any], None]]:
    if path_text := text(sink, "path"):
        path: JsonPath = json_path(path_text)
        if not path.steps:
            raise InvalidSettings("A sink path must name a field.")
        return str(path.steps[-1]), path.put
    name = text(sink, "name")
    if not name:
        ordinal = whole_number(sink, "ordinal")
        if ordinal is None:
            raise InvalidSettings("A mapping's sink needs a name, a path, or an ordinal.")
        name = f"Prop_{ordinal - 1}"
    return name, lambda record, value: record.__setitem__(name, value)

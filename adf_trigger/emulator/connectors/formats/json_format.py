"""Json: a set of objects (concatenated) or an array of objects."""

from collections.abc import Iterable, Iterator
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.records import Columns, Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, text
from adf_trigger.emulator.connectors.formats.encodings import Encoding
from adf_trigger.emulator.connectors.formats.json_values import BadJson, json_values
from adf_trigger.emulator.connectors.formats.values import as_json
from adf_trigger.emulator.contract.activity import ResolvedDataset

_DATASET = frozenset({"location", "encodingName", "compression"})
_PIECE = 64 * 1024
_NEW_LINE = "\r\n"


class Json:
    """The format, as its dataset configures it."""

    def decoder(self, dataset: ResolvedDataset, settings: dict[str, Any], rejects: Rejects) -> "JsonDecoder":
        """A reader; settings are JsonReadSettings."""
        del rejects
        forbid_unknown(settings, {"compressionProperties"}, "formatSettings")
        return JsonDecoder(_encoding(dataset))

    def encoder(self, dataset: ResolvedDataset, settings: dict[str, Any]) -> "JsonEncoder":
        """A writer; settings are JsonWriteSettings."""
        # quoteAllText and fileExtension have no effect for JSON, but templates contain them.
        forbid_unknown(settings, {"filePattern", "quoteAllText", "fileExtension"}, "formatSettings")
        pattern = text(settings, "filePattern") or "setOfObjects"
        if pattern.lower() not in {"setofobjects", "arrayofobjects"}:
            raise InvalidSettings(
                f"The property 'filePattern' must be setOfObjects or arrayOfObjects, not '{pattern}'."
            )
        return JsonEncoder(_encoding(dataset), array=pattern.lower() == "arrayofobjects")


def _encoding(dataset: ResolvedDataset) -> Encoding:
    forbid_unknown(dataset.properties, _DATASET, f"the dataset '{dataset.name}'")
    return Encoding.named(text(dataset.properties, "encodingName"))


class JsonDecoder:
    """Reads objects as records; the file's first character shows which of the two patterns it has."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def decode(self, chunks: Iterable[bytes], name: str) -> Iterator[Item]:
        """One record for each object, including nested values."""
        try:
            for value in json_values(self._encoding.decode(chunks)):
                if not isinstance(value, dict):
                    raise _not_objects(name)
                yield value
        except BadJson as exc:
            raise _not_objects(name) from exc


def _not_objects(name: str) -> DataFailure:
    return DataFailure(
        "JsonInvalidDataFormat",
        f"Error occurred when deserializing source JSON file '{name}'. "
        "Check if the data is in valid JSON object format.",
    )


class JsonEncoder:
    """Writes each record as one line."""

    extension = ".json"

    def __init__(self, encoding: Encoding, *, array: bool) -> None:
        self._encoding = encoding
        self._array = array

    def encode(self, items: Iterable[Item]) -> Iterator[bytes]:
        """The records; without records an array is `[]` and a set an empty file."""
        yield from self._encoding.encode(self._texts(items))

    def _texts(self, items: Iterable[Item]) -> Iterator[str]:
        opening, between, closing = ("[", f",{_NEW_LINE}", "]") if self._array else ("", _NEW_LINE, "")
        pending = [opening]
        size = 0
        mark = ""
        for item in items:
            if isinstance(item, Columns):
                continue
            line = as_json(item)
            pending += [mark, line]
            mark = between
            size += len(line)
            if size > _PIECE:
                yield "".join(pending)
                pending, size = [], 0
        pending.append(closing)
        yield "".join(pending)

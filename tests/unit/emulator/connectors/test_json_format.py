"""JSON files: sets and arrays of objects, read from bytes cut anywhere, and written."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.common.records import Columns, Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.statistics import Statistics
from adf_trigger.emulator.connectors.formats.json_format import Json
from adf_trigger.emulator.connectors.formats.json_values import BadJson, json_values
from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='ab{}[],:"\\ é\n', max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(alphabet='a"{}é', max_size=4), VALUES, max_size=4), max_size=5)
PLACES = st.lists(st.integers(min_value=0, max_value=2000), max_size=12)


def cut(content: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces."""
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[begin:end] for begin, end in pairwise(edges)]


def dataset(**properties: Any) -> ResolvedDataset:
    """A Json dataset."""
    return ResolvedDataset("Objects", "Json", properties, "Store", "AzureBlobStorage", {})


def read(chunks: list[bytes], **properties: Any) -> list[Item]:
    """Decode a file."""
    decoder = Json().decoder(dataset(**properties), {}, Rejects(Statistics()))
    return list(decoder.decode(chunks, "objects.json"))


def write(items: Iterable[Item], pattern: str | None = None, **properties: Any) -> bytes:
    """Encode a file."""
    encoder = Json().encoder(dataset(**properties), {"filePattern": pattern})
    return b"".join(encoder.encode(items))


@settings(deadline=None)
@given(OBJECTS, PLACES, st.sampled_from(["setOfObjects", "arrayOfObjects"]))
def test_objects_survive_a_round_trip_wherever_the_bytes_are_cut(
    objects: list[dict[str, Any]], places: list[int], pattern: str
) -> None:
    """Both patterns are read back as written, whatever is nested in the objects and however they arrive."""
    assert read(cut(write(objects, pattern), places)) == objects


@settings(deadline=None)
@given(OBJECTS, st.sampled_from([None, 2]), st.sampled_from(["", " ", "\n", "\r\n\t "]))
def test_objects_may_be_indented_and_concatenated(
    objects: list[dict[str, Any]], indent: int | None, between: str
) -> None:
    """A set of objects needs no line ends: concatenated and indented ones are read, too."""
    text = between.join(json.dumps(item, indent=indent) for item in objects)
    assert read([text.encode()]) == objects


@settings(deadline=None)
@given(st.text(alphabet='{}[],:"a1.e-\\ tru', max_size=24), PLACES)
def test_cuts_never_change_the_values(text: str, places: list[int]) -> None:
    """Any text gives the same values, or an error, whole and in pieces."""

    def outcome(chunks: list[bytes]) -> object:
        values = []
        try:
            for value in json_values(chunk.decode() for chunk in chunks):
                values.append(value)  # noqa: PERF402 - values before an error count too
        except BadJson:
            return (values, "bad")
        return values

    assert outcome(cut(text.encode(), places)) == outcome([text.encode()])


def test_invalid_json_is_rejected_before_the_end() -> None:
    """A file that is no JSON is rejected immediately, and not first read to its end."""
    taken = []

    def chunks() -> Any:
        for number in range(1000):
            taken.append(number)
            yield b"this is no JSON at all, and long" * 10

    decoder = Json().decoder(dataset(), {}, Rejects(Statistics()))
    with pytest.raises(ActivityFailed, match="JsonInvalidDataFormat"):
        list(decoder.decode(chunks(), "objects.json"))
    assert len(taken) < 5


@pytest.mark.parametrize("content", [b"[1, 2]", b'"text"', b"[{}", b"{} {", b"[{} {}]", b"[{},]", b"nul"])
def test_values_that_are_no_objects_fail_with_the_services_message(content: bytes) -> None:
    """Values that are no objects, and truncated files, are JsonInvalidDataFormat with the file's name."""
    with pytest.raises(ActivityFailed, match=r"JsonInvalidDataFormat.*'objects\.json'"):
        read([content])


def test_each_pattern_is_written_in_its_form() -> None:
    """A set is an object a line; an array is one JSON document."""
    items: list[Item] = [Columns(("a",)), {"a": 1}, {"a": "é"}]
    assert write(items) == '{"a":1}\r\n{"a":"é"}'.encode()
    assert json.loads(write(items, "arrayOfObjects")) == [{"a": 1}, {"a": "é"}]
    assert write([], "arrayOfObjects") == b"[]"
    assert write([]) == b""


def test_many_records_are_written_in_pieces() -> None:
    """A long file is not held as one text."""
    encoder = Json().encoder(dataset(), {})
    pieces = list(encoder.encode({"text": "x" * 1000} for _ in range(500)))
    assert max(map(len, pieces)) < 100_000
    assert len(read(pieces)) == 500


def test_an_unknown_pattern_is_rejected() -> None:
    """filePattern is one of two words."""
    with pytest.raises(ActivityFailed, match="filePattern"):
        write([], "bagOfObjects")

"""Copies of records: DelimitedText and Json on a real Azurite."""

import csv
import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.harness import Storage, copying, run

CSV_SINK = {"formatSettings": {"type": "DelimitedTextWriteSettings", "fileExtension": ".txt"}}
PEOPLE = b'id,name\r\n1,Ann\r\n2,"O\'Neil, Bob"\r\n'


def csv_to_json(storage: Storage, **more: Any) -> tuple[dict[str, Any], list[Any]]:
    """Copy in/ as DelimitedText with a header to out.json; the output, and the objects in the file."""
    result = run(
        copy,
        copying("DelimitedText", "Json", **more),
        storage.dataset("In", "DelimitedText", folder="in", firstRowAsHeader=True),
        storage.dataset("Out", "Json", folder="out", file="out.json"),
    )
    return result.output, [json.loads(line) for line in storage.get("out/out.json").splitlines()]


def test_delimited_text_becomes_json(storage: Storage) -> None:
    """Rows become objects by their header, and the output counts rows on both sides."""
    storage.put("in/people.csv", PEOPLE)

    output, objects = csv_to_json(storage)

    assert objects == [{"id": "1", "name": "Ann"}, {"id": "2", "name": "O'Neil, Bob"}]
    assert (output["rowsRead"], output["rowsCopied"]) == (2, 2)
    assert "rowsSkipped" not in output
    assert output["dataRead"] == len(PEOPLE)
    assert output["dataWritten"] == len(storage.get("out/out.json"))


def test_json_becomes_delimited_text_in_another_dialect(storage: Storage) -> None:
    """Objects become rows in the sink's own delimiter, quotes, encoding and compression."""
    objects = [
        {"id": 1, "text": "semi;colon", "ok": True, "none": None},
        {"id": 2.5, "text": "é", "ok": False},
    ]
    storage.put("in/a.json", json.dumps(objects, indent=2).encode())

    run(
        copy,
        copying(
            "Json", "DelimitedText", sink={"formatSettings": {"quoteAllText": True, "fileExtension": ".csv"}}
        ),
        storage.dataset("In", "Json", folder="in"),
        storage.dataset(
            "Out",
            "DelimitedText",
            folder="out",
            columnDelimiter=";",
            quoteChar="'",
            rowDelimiter="\n",
            nullValue="NULL",
            firstRowAsHeader=True,
            encodingName="UTF-16",
            compressionCodec="gzip",
            compressionLevel="Optimal",
        ),
    )

    assert storage.names() == ["in/a.json", "out/a.csv.gz"]
    text = gzip.decompress(storage.get("out/a.csv.gz")).decode("utf-16")
    assert text == "'id';'text';'ok';'none'\n1;'semi;colon';True;NULL\n2.5;'é';False;NULL\n"


def test_each_file_becomes_a_file_in_its_place(storage: Storage) -> None:
    """Without a file name the hierarchy is kept, and names end as the sink's format does."""
    storage.put("in/a.csv", PEOPLE)
    storage.put("in/sub/b.csv", PEOPLE)

    result = run(
        copy,
        copying("DelimitedText", "Json", sink={"formatSettings": {"filePattern": "arrayOfObjects"}}),
        storage.dataset("In", "DelimitedText", folder="in", firstRowAsHeader=True),
        storage.dataset("Out", "Json", folder="out"),
    )

    assert storage.names()[2:] == ["out/a.json", "out/sub/b.json"]
    assert len(json.loads(storage.get("out/sub/b.json"))) == 2
    assert (result.output["rowsCopied"], result.output["filesWritten"]) == (4, 2)


def test_files_are_merged_by_the_names_of_their_columns(storage: Storage) -> None:
    """Merged files have one header; columns find their place by name."""
    storage.put("in/a.csv", b"id,name\n1,a\n")
    storage.put("in/b.csv", b"name,id\nb,2\n")

    run(
        copy,
        copying("DelimitedText", write={"copyBehavior": "MergeFiles"}, sink=CSV_SINK),
        storage.dataset("In", "DelimitedText", folder="in", firstRowAsHeader=True),
        storage.dataset("Out", "DelimitedText", folder="out", file="all.csv", firstRowAsHeader=True),
    )

    assert storage.get("out/all.csv") == b"id,name\r\n1,a\r\n2,b\r\n"


def test_columns_are_mapped_and_added(storage: Storage) -> None:
    """additionalColumns add constants, the file's path and copies of columns; the translator maps them all."""
    storage.put("in/sub/people.csv", PEOPLE)
    added = [
        {"name": "origin", "value": "emp"},
        {"name": "path", "value": "$$FILEPATH"},
        {"name": "again", "value": "$$COLUMN:name"},
    ]
    names = {"id": "Id", "origin": "Origin", "path": "Path", "again": "Again"}
    mappings = [{"source": {"name": old}, "sink": {"name": new}} for old, new in names.items()]
    mappings[0]["source"]["type"] = "Int32"

    _, objects = csv_to_json(
        storage,
        source={"additionalColumns": added},
        translator={"type": "TabularTranslator", "mappings": mappings},
    )

    assert objects[0] == {"Id": 1, "Origin": "emp", "Path": "sub/people.csv", "Again": "Ann"}


def test_nested_json_is_flattened_by_the_translator(storage: Storage) -> None:
    """collectionReference makes a row of each element of an array, with fields of the root beside it."""
    order = {"number": "01", "orders": [{"prod": "p1"}, {"prod": "p2"}]}
    storage.put("in/o.json", json.dumps(order).encode())
    translator = {
        "type": "TabularTranslator",
        "collectionReference": "$['orders']",
        "mappings": [
            {"source": {"path": "$['number']"}, "sink": {"name": "orderNumber"}},
            {"source": {"path": "['prod']"}, "sink": {"name": "product"}},
        ],
    }

    result = run(
        copy,
        copying("Json", "DelimitedText", translator=translator),
        storage.dataset("In", "Json", folder="in"),
        storage.dataset("Out", "DelimitedText", folder="out", file="flat.csv", firstRowAsHeader=True),
    )

    assert storage.get("out/flat.csv") == b"orderNumber,product\r\n01,p1\r\n01,p2\r\n"
    assert (result.output["rowsRead"], result.output["rowsCopied"]) == (1, 2)


def test_rows_that_do_not_fit_are_skipped_and_counted(storage: Storage) -> None:
    """enableSkipIncompatibleRow copies the rest and says how many were left out; without it the copy fails."""
    storage.put("in/bad.csv", b"id,name\n1,a\n2,b,too many\nx,c\n4,d\n")
    mapping = {"source": {"name": "id", "type": "Int32"}, "sink": {"name": "id"}}
    translator = {"type": "TabularTranslator", "mappings": [mapping]}

    output, objects = csv_to_json(storage, translator=translator, enableSkipIncompatibleRow=True)
    assert objects == [{"id": 1}, {"id": 4}]
    assert (output["rowsSkipped"], output["rowsCopied"]) == (2, 2)

    storage.container.delete_blob("out/out.json")
    with pytest.raises(ActivityFailed, match="DelimitedTextMoreColumnsThanDefined") as failed:
        csv_to_json(storage, translator=translator)
    assert failed.value.output["rowsRead"] == 1
    assert storage.names() == ["in/bad.csv"]


def test_records_come_out_of_archives(storage: Storage) -> None:
    """Zipped JSON files are read entry by entry, and can be merged."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.json", b'{"id":1}')
        archive.writestr("b.json", b'[{"id":2}]')
    storage.put("in/a.zip", made.getvalue())

    result = run(
        copy,
        copying("Json", write={"copyBehavior": "MergeFiles"}),
        storage.dataset("In", "Json", folder="in", compression={"type": "ZipDeflate"}),
        storage.dataset("Out", "Json", folder="out", file="all.json"),
    )

    assert storage.get("out/all.json") == b'{"id":1}\r\n{"id":2}'
    assert (result.output["filesRead"], result.output["rowsRead"]) == (1, 2)


def test_a_header_alone_is_copied(storage: Storage) -> None:
    """A file without rows becomes a file without rows, with its header."""
    storage.put("in/empty.csv", b"id,name\r\n")
    run(
        copy,
        copying("DelimitedText", sink=CSV_SINK),
        storage.dataset("In", "DelimitedText", folder="in", firstRowAsHeader=True),
        storage.dataset("Out", "DelimitedText", folder="out", firstRowAsHeader=True, columnDelimiter="|"),
    )
    assert storage.get("out/empty.txt") == b"id|name\r\n"


def test_a_long_file_is_read_and_written_across_many_blocks(storage: Storage) -> None:
    """100,000 rows survive gzip, chunks and blocks, as an independent reader of CSV sees them."""
    rows = [[str(number), f'text "{number}", and more'] for number in range(100_000)]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    storage.put("in/long.csv", gzip.compress(text.getvalue().encode(), 1))
    layout: dict[str, Any] = {"escapeChar": '"'}

    result = run(
        copy,
        copying("DelimitedText", sink=CSV_SINK),
        storage.dataset("In", "DelimitedText", folder="in", compressionCodec="gzip", **layout),
        storage.dataset("Out", "DelimitedText", folder="out", file="long.csv", **layout),
    )

    written = storage.get("out/long.csv").decode()
    assert list(csv.reader(io.StringIO(written, newline=""))) == rows
    assert result.output["rowsCopied"] == 100_000


@pytest.mark.parametrize(
    ("type_properties", "sink", "named"),
    [
        (copying("DelimitedText"), {}, "fileExtension"),
        (
            copying("DelimitedText", read={"deleteFilesAfterCompletion": True}),
            {},
            "deleteFilesAfterCompletion",
        ),
        (copying("DelimitedText", preserve=["Attributes"], sink=CSV_SINK), {}, "preserve"),
        (copying("Json", "DelimitedText"), {}, "JsonSource"),
        (copying("DelimitedText", "Binary"), {"kind": "Binary"}, "Binary"),
        (copying("DelimitedText", sink={"formatSettings": {"maxRowsPerFile": 10}}), {}, "maxRowsPerFile"),
    ],
)
def test_conflicting_settings_are_rejected(
    storage: Storage, type_properties: dict[str, Any], sink: dict[str, Any], named: str
) -> None:
    """Formats and settings that disagree, or are not supported, fail the copy by name and write nothing."""
    storage.put("in/people.csv", PEOPLE)
    with pytest.raises(ActivityFailed, match=named):
        run(
            copy,
            type_properties,
            storage.dataset("In", "DelimitedText", folder="in"),
            storage.dataset("Out", sink.get("kind", "DelimitedText"), folder="out"),
        )
    assert storage.names() == ["in/people.csv"]

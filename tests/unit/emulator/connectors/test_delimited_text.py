"""Rows of delimited text: read from text cut anywhere, written, and read again."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.common.records import Columns, Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.statistics import Statistics
from adf_trigger.emulator.connectors.formats import delimited_rows
from adf_trigger.emulator.connectors.formats.delimited import DelimitedText
from adf_trigger.emulator.connectors.formats.delimited_rows import BadRow, Dialect, NoRow
from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset

DIALECTS = st.sampled_from(
    [
        Dialect(),
        Dialect(escape='"'),
        Dialect(column="|", row="\n"),
        Dialect(column="||", row="~~\n", escape='"'),
        Dialect(column="\t", row="\r\n", quote="'"),
        Dialect(column=";", quote="", escape="\\"),
    ]
)
VALUES = st.text(alphabet="ab,|;~\t\"'\\ \r\né", max_size=6)
TABLES = st.lists(st.lists(VALUES, min_size=2, max_size=4), max_size=6)


def cut(text: str, places: list[int]) -> Iterator[str]:
    """The text in pieces."""
    begin = 0
    for place in sorted(place % (len(text) + 1) for place in places):
        yield text[begin:place]
        begin = place
    yield text[begin:]


def dataset(**properties: Any) -> ResolvedDataset:
    """A DelimitedText dataset."""
    return ResolvedDataset("Rows", "DelimitedText", properties, "Store", "AzureBlobStorage", {})


def read(
    content: bytes, *, skip: int = 0, statistics: Statistics | None = None, **properties: Any
) -> list[Item]:
    """Decode a file; with statistics, rows that do not fit are skipped and counted."""
    rejects = Rejects(statistics or Statistics(), skip=statistics is not None)
    decoder = DelimitedText().decoder(dataset(**properties), {"skipLineCount": skip}, rejects)
    return list(decoder.decode([content], "rows.csv"))


def write(items: list[Item], settings: dict[str, Any] | None = None, **properties: Any) -> bytes:
    """Encode a file."""
    return b"".join(DelimitedText().encoder(dataset(**properties), settings or {}).encode(items))


@settings(deadline=None)
@example(dialect=Dialect(column="||", row="~~\n", escape='"'), table=[["|", ""]], places=[], always=False)
@given(DIALECTS, TABLES, st.lists(st.integers(min_value=0, max_value=500), max_size=8), st.booleans())
def test_a_table_survives_a_round_trip_wherever_the_text_is_cut(
    dialect: Dialect,
    table: list[list[str]],
    places: list[int],
    always: bool,  # noqa: FBT001 - drawn
) -> None:
    """Any table is read back in any dialect, with the text cut at any places."""
    ends = (dialect.row,) if dialect.row else ("\r", "\n")
    if not dialect.quote:  # Without quotes the end of a row cannot be written.
        table = [[value.translate({10: None, 13: None}) for value in row] for row in table]
    assert not any(end in "".join(row) for row in table for end in ends) or dialect.quote
    text = "".join(dialect.write(row, enclose=[always] * len(row)) + (dialect.row or "\r\n") for row in table)
    assert list(dialect.rows(cut(text, places))) == table


@settings(deadline=None)
@given(
    st.text(alphabet='a,"\\\r\n', max_size=30), st.lists(st.integers(min_value=0, max_value=30), max_size=6)
)
def test_cuts_never_change_the_rows(text: str, places: list[int]) -> None:
    """Any text gives the same rows, or the same error, whole and in pieces."""

    def outcome(texts: Iterator[str]) -> object:
        try:
            return list(Dialect().rows(texts))
        except BadRow as exc:
            return exc.row_number

    assert outcome(cut(text, places)) == outcome(iter([text]))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_any_row_end_is_accepted_unless_one_is_set(end: str) -> None:
    """Without a row delimiter, line feed, carriage return and both together end a row."""
    assert list(Dialect().rows([f"a,b{end}{end}c,d"])) == [["a", "b"], ["c", "d"]]


def test_a_backslash_escapes_a_quote_by_default() -> None:
    """The default escape character is the backslash, so a doubled quote is bad data."""
    assert list(Dialect().rows(['"a\\"b",c'])) == [['a"b', "c"]]
    with pytest.raises(BadRow):
        list(Dialect().rows(['"a""b",c']))


def test_text_without_a_row_end_is_not_buffered_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose row never ends is rejected once the buffer reaches its limit."""
    monkeypatch.setattr(delimited_rows, "MAX_ROW_LENGTH", 100)
    with pytest.raises(NoRow):
        list(Dialect(row=";").rows(["x" * 60, "x" * 60, "x" * 60]))


def test_the_header_names_the_columns() -> None:
    """With firstRowAsHeader the first row, after those skipped, gives the names; short rows end in nulls."""
    assert read(b"note\r\nid,name\r\n1,a\r\n2\r\n", skip=1, firstRowAsHeader=True) == [
        Columns(("id", "name")),
        {"id": "1", "name": "a"},
        {"id": "2", "name": None},
    ]


def test_columns_without_a_header_are_numbered() -> None:
    """Without a header, columns are Prop_0, Prop_1 and so on."""
    assert read(b"1,a\n") == [Columns(("Prop_0", "Prop_1")), {"Prop_0": "1", "Prop_1": "a"}]


def test_the_null_value_is_read_and_written_as_null() -> None:
    """nullValue is null, both ways."""
    items = read(b"x,y\n\\N,1\n", firstRowAsHeader=True, nullValue="\\N")
    assert items[1] == {"x": None, "y": "1"}
    assert write(items, firstRowAsHeader=True, nullValue="\\N") == b"x,y\r\n\\N,1\r\n"


def test_too_many_columns_fail_with_the_services_message() -> None:
    """A row with more columns than the first is DelimitedTextMoreColumnsThanDefined, on the source side."""
    with pytest.raises(ActivityFailed) as failed:
        read(b"a,b\n1,2,3\n")
    assert failed.value.message.startswith(
        "Failure happened on 'Source' side. ErrorCode=DelimitedTextMoreColumnsThanDefined,"
    )
    assert "source 'rows.csv' with row number 2: found more columns than expected column count 2." in (
        failed.value.message
    )


def test_rows_that_do_not_fit_can_be_skipped() -> None:
    """With rows to be skipped, the others are read and the skipped ones counted."""
    statistics = Statistics()
    assert len(read(b"a,b\n1,2,3\n4,5\n", statistics=statistics, firstRowAsHeader=True)) == 2
    assert statistics.skipped.rows == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'a,"b"c\n', "DelimitedTextBadDataDetected"),
        (b'a,"never closed\n', "DelimitedTextBadDataDetected"),
        (b"a,,c\n", "DelimitedTextColumnNameNotAllowNull"),
        (b"a,a\n", "UserErrorDuplicateColumnName"),
    ],
)
def test_invalid_files_fail_by_name(content: bytes, code: str) -> None:
    """An unreadable file fails with a code that gives the reason."""
    with pytest.raises(ActivityFailed, match=code):
        read(content, firstRowAsHeader=True)


def test_quote_all_text_quotes_only_strings() -> None:
    """quoteAllText quotes strings, not numbers, booleans or nulls."""
    items: list[Item] = [{"s": "x", "i": 1, "f": 2.5, "b": True, "n": None}]
    assert write(items, {"quoteAllText": True}, firstRowAsHeader=True) == (
        b'"s","i","f","b","n"\r\n"x",1,2.5,True,\r\n'
    )


def test_a_header_is_written_without_rows() -> None:
    """A file of no rows keeps its header."""
    assert write([Columns(("a", "b"))], firstRowAsHeader=True) == b"a,b\r\n"


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([{"a": 1}, {"b": 2}], "UserErrorColumnNotInFirstRecord"),
        ([{"a": {"nested": 1}}], "UserErrorComplexValueInColumn"),
    ],
)
def test_records_that_do_not_fit_fail_by_name(items: list[Item], code: str) -> None:
    """A late column, or a value that is no text, is rejected and not dropped."""
    with pytest.raises(ActivityFailed, match=code):
        write(items)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("", "é,x\r\n".encode()),
        ("UTF-8", "\ufeffé,x\r\n".encode()),
        ("UTF-8 without BOM", "é,x\r\n".encode()),
        ("UTF-16", "\ufeffé,x\r\n".encode("utf-16-le")),
        ("UTF-16BE", "\ufeffé,x\r\n".encode("utf-16-be")),
        ("ISO-8859-1", "é,x\r\n".encode("latin-1")),
        ("WINDOWS-1252", "é,x\r\n".encode("cp1252")),
        ("IBM850", "é,x\r\n".encode("cp850")),
    ],
)
def test_encodings_have_the_datasets_names(name: str, raw: bytes) -> None:
    """Each encoding writes its bytes, with a byte order mark where .NET writes one, and reads them again."""
    row: Item = {"Prop_0": "é", "Prop_1": "x"}
    assert write([row], encodingName=name) == raw
    assert read(raw, encodingName=name)[1:] == [row]


@pytest.mark.parametrize(
    "properties",
    [
        {"encodingName": "IBM01149"},
        {"columnDelimiter": ""},
        {"quoteChar": "''"},
        {"escapeChar": ""},
        {"columnDelimiter": "||", "quoteChar": ""},
        {"unheardOf": 1},
    ],
)
def test_unsupported_settings_are_rejected(properties: dict[str, Any]) -> None:
    """An unsupported setting fails the copy before it reads a byte."""
    with pytest.raises(ActivityFailed, match=r"UserErrorNotEmulated|UserErrorInvalidCopySettings"):
        read(b"", **properties)

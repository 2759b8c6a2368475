"""Column mapping: names, ordinals, paths, the older models, and types."""

from typing import Any

import pytest

from adf_trigger.emulator.connectors.common.records import Columns, Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.statistics import Statistics
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.copying.translator import Translator

ORDER = {
    "id": {"$oid": "592e07800000000000000000"},
    "number": "01",
    "date": "20170122",
    "orders": [{"prod": "p1", "price": 23}, {"prod": "p2", "price": 13}, {"prod": "p3", "price": 231}],
    "city": [{"name": "Seattle"}],
}
FLAT = [
    Columns(("orderNumber", "orderDate", "order_pd", "order_price", "city")),
    {"orderNumber": "01", "orderDate": "20170122", "order_pd": "p1", "order_price": 23, "city": "Seattle"},
    {"orderNumber": "01", "orderDate": "20170122", "order_pd": "p2", "order_price": 13, "city": "Seattle"},
    {"orderNumber": "01", "orderDate": "20170122", "order_pd": "p3", "order_price": 231, "city": "Seattle"},
]


def translate(items: list[Item], *, statistics: Statistics | None = None, **properties: Any) -> list[Item]:
    """Map items; with statistics, rows that do not fit are skipped and counted."""
    rejects = Rejects(statistics or Statistics(), skip=statistics is not None)
    return list(Translator({"type": "TabularTranslator", **properties}, rejects).apply(iter(items)))


def pair(source: dict[str, Any], sink: dict[str, Any]) -> dict[str, Any]:
    """One mapping."""
    return {"source": source, "sink": sink}


def test_without_mappings_records_pass_unchanged() -> None:
    """Settings of type conversion alone, as Studio writes them, change nothing."""
    items: list[Item] = [Columns(("a",)), {"a": "1"}]
    settings = {"allowDataTruncation": True, "treatBooleanAsNumber": False}
    assert translate(items, typeConversion=True, typeConversionSettings=settings) == items


def test_the_articles_document_becomes_a_row_for_each_order() -> None:
    """Paths from the root and from the elements of collectionReference flatten the article's document."""
    mappings = [
        pair({"path": "$['number']"}, {"name": "orderNumber"}),
        pair({"path": "$['date']"}, {"name": "orderDate"}),
        pair({"path": "['prod']"}, {"name": "order_pd"}),
        pair({"path": "['price']"}, {"name": "order_price"}),
        pair({"path": "$['city'][0]['name']"}, {"name": "city"}),
    ]
    assert translate([ORDER], mappings=mappings, collectionReference="$['orders']") == FLAT


def test_the_articles_older_model_does_the_same() -> None:
    """schemaMapping maps from source paths to sink names."""
    mapping = {
        "$.number": "orderNumber",
        "$.date": "orderDate",
        "prod": "order_pd",
        "price": "order_price",
        "$.city[0].name": "city",
    }
    assert translate([ORDER], schemaMapping=mapping, collectionReference="$.orders") == FLAT


@pytest.mark.parametrize(
    "mapping", [{"UserId": "MyUserId", "Name": "MyName"}, "UserId: MyUserId, Name: MyName"]
)
def test_column_mappings_rename_and_leave_out(mapping: Any) -> None:
    """columnMappings, as an object or a text, takes the named columns alone, in its order."""
    items: list[Item] = [Columns(("Name", "Group", "UserId")), {"Name": "n", "Group": "g", "UserId": "1"}]
    assert translate(items, columnMappings=mapping) == [
        Columns(("MyUserId", "MyName")),
        {"MyUserId": "1", "MyName": "n"},
    ]


def test_columns_are_mapped_by_number() -> None:
    """Ordinals count from 1, in source and sink."""
    items: list[Item] = [Columns(("Prop_0", "Prop_1")), {"Prop_0": "1", "Prop_1": "n"}]
    mappings = [pair({"ordinal": "2"}, {"name": "MyName"}), pair({"ordinal": 1}, {"ordinal": 2})]
    assert translate(items, mappings=mappings) == [
        Columns(("MyName", "Prop_1")),
        {"MyName": "n", "Prop_1": "1"},
    ]


def test_hierarchies_are_built_and_kept() -> None:
    """Sink paths make nested objects; a whole branch of the source can be copied."""
    mappings = [
        pair({"path": "$.number"}, {"path": "$['order']['number']"}),
        pair({"path": "$.city"}, {"path": "$.order.cities"}),
        pair({"path": "$.nothing"}, {"path": "$.nothing"}),
    ]
    assert translate([ORDER], mappings=mappings)[1:] == [
        {"order": {"number": "01", "cities": [{"name": "Seattle"}]}, "nothing": None}
    ]


@pytest.mark.parametrize("mappings", [[], [pair({"path": "$.city"}, {"name": "city"})]])
def test_complex_values_become_text_on_request(mappings: list[Any]) -> None:
    """mapComplexValuesToString writes objects and arrays as JSON text."""
    items: list[Item] = [{"city": [{"name": "Seattle"}]}]
    assert translate(items, mappings=mappings, mapComplexValuesToString=True)[-1] == {
        "city": '[{"name":"Seattle"}]'
    }


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("Int32", "42", 42),
        ("Int64", 7.9, 7),
        ("Int16", True, 1),
        ("Double", "1.5e3", 1500.0),
        ("Decimal", "2.50", 2.5),
        ("Decimal", "12345678901234567890", 12345678901234567890),
        ("Boolean", "TRUE", True),
        ("Boolean", 0, False),
        ("Guid", "{0F8FAD5B-D9CB-469F-A165-70867728950E}", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("String", 1, 1),
        ("Int32", None, None),
    ],
)
def test_values_are_converted_to_interim_types(type_name: str, value: Any, expected: Any) -> None:
    """The types of a mapping convert; String keeps values unchanged; null stays null."""
    items: list[Item] = [{"a": value}]
    converted = translate(items, mappings=[pair({"name": "a"}, {"name": "a", "type": type_name})])[1]
    assert isinstance(converted, dict)
    assert converted["a"] == expected
    assert type(converted["a"]) is type(expected)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("Int32", "x"),
        ("Int32", str(2**31)),
        ("Byte", -1),
        ("Double", "NaN"),
        ("Boolean", "yes"),
        ("Guid", "1"),
        ("Int64", []),
    ],
)
def test_values_that_do_not_fit_fail_or_are_skipped(type_name: str, value: Any) -> None:
    """A value of another type fails the copy, or its row is skipped and counted."""
    items: list[Item] = [{"a": value}, {"a": "1"}]
    mappings = [pair({"name": "a", "type": type_name}, {"name": "a"})]
    with pytest.raises(ActivityFailed, match=f"TypeConversionFailure.*'a' to type '{type_name}'"):
        translate(items, mappings=mappings)
    statistics = Statistics()
    translate(items, mappings=mappings, statistics=statistics)
    assert statistics.skipped.rows >= 1


@pytest.mark.parametrize(
    "properties",
    [
        {"type": "Other"},
        {"mappings": [pair({"name": "a"}, {"name": "b", "type": "DateTime"})]},
        {"mappings": [pair({"name": "a"}, {"name": "b", "format": "yyyy"})]},
        {"mappings": [pair({"name": "a"}, {})]},
        {"mappings": [pair({}, {"name": "b"})]},
        {"mappings": [pair({"path": "$.a[*]"}, {"name": "b"})]},
        {"mappings": [pair({"name": "a"}, {"path": "$"})]},
        {"collectionReference": "$.a"},
        {"typeConversionSettings": {"dateTimeFormat": "yyyy"}},
        {"unheardOf": 1},
    ],
)
def test_unsupported_settings_are_rejected(properties: dict[str, Any]) -> None:
    """Unsupported settings, and contradictory mappings, fail before a record is read."""
    with pytest.raises(ActivityFailed, match=r"UserErrorNotEmulated|UserErrorInvalidCopySettings"):
        Translator({"type": "TabularTranslator"} | properties, Rejects(Statistics()))


@pytest.mark.parametrize("source", [{"name": "missing"}, {"ordinal": 3}])
def test_a_missing_column_fails(source: dict[str, Any]) -> None:
    """A mapped column that the file lacks is named in the error, not read as null."""
    items: list[Item] = [Columns(("a", "b")), {"a": "1", "b": "2"}]
    with pytest.raises(ActivityFailed, match="UserErrorInvalidColumnMappingColumnNotFound"):
        translate(items, mappings=[pair(source, {"name": "x"})])


def test_sink_paths_that_disagree_fail() -> None:
    """A field cannot be both a value and an object; arrays cannot be written into."""
    both = [pair({"name": "a"}, {"path": "$.x"}), pair({"name": "a"}, {"path": "$.x.y"})]
    with pytest.raises(ActivityFailed, match="disagree"):
        translate([{"a": 1}], mappings=both)
    with pytest.raises(ActivityFailed, match="Writing to an array inside an object"):
        translate([{"a": 1}], mappings=[pair({"name": "a"}, {"path": "$.x[0]"})])


def test_fractions_are_truncated_only_if_allowed() -> None:
    """allowDataTruncation (the default) turns 7.9 into 7; without it the value does not fit."""
    mappings = [pair({"name": "a"}, {"name": "a", "type": "Int32"})]
    settings = {"allowDataTruncation": False}
    assert translate([{"a": "7.0"}], mappings=mappings, typeConversionSettings=settings)[1] == {"a": 7}
    with pytest.raises(ActivityFailed, match="TypeConversionFailure"):
        translate([{"a": 7.9}], mappings=mappings, typeConversionSettings=settings)


def test_a_collection_must_be_an_array() -> None:
    """A collectionReference to another type fails; to a missing value it gives no rows."""
    mappings = [pair({"path": "['p']"}, {"name": "p"})]
    with pytest.raises(ActivityFailed, match="JsonInvalidArrayPathDefinition"):
        translate([{"c": {}}], mappings=mappings, collectionReference="$.c")
    assert translate([{"d": 1}], mappings=mappings, collectionReference="$.c") == [Columns(("p",))]

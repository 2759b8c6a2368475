"""XML content: xml, xpath and json."""

import base64
from typing import Any

import pytest

from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate_text

PRODUCE = (
    '<?xml version="1.0"?> <produce> <item><name>Gala</name><count>20</count></item>'
    " <item><name>Honeycrisp</name><count>10</count></item> </produce>"
)
FILE = '<?xml version="1.0"?> <file xmlns="http://contoso.com"> <location>Paris</location> </file>'
SOAP = '<s:E xmlns:s="urn:s"><s:b i="3" s:j="4">q</s:b><!-- a/> --><s:c/></s:E>'


def value_of(expression: str, **parameters: Any) -> Any:
    """The value of an expression whose `$name` stands for a parameter."""
    return evaluate_text(
        f"@{expression.replace('$', 'pipeline().parameters.')}", Scope(parameters=parameters)
    )


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("<a><b>1</b></a>", "<a><b>1</b></a>"),
        ("<a></a>", "<a />"),
        ("<a>\n  <b x='1'/>\n</a>", '<a><b x="1" /></a>'),
        (SOAP, '<s:E xmlns:s="urn:s"><s:b i="3" s:j="4">q</s:b><!-- a/> --><s:c /></s:E>'),
        ("<a><![CDATA[<x/>]]></a>", "<a><![CDATA[<x/>]]></a>"),
        ('<?xml version="1.0" encoding="utf-16"?><a/>', '<?xml version="1.0" encoding="utf-16"?><a />'),
        ("<a>&#233;&lt;</a>", "<a>\u00e9&lt;</a>"),
    ],
)
def test_xml_of_text_keeps_prefixes_comments_and_declaration(given: str, written: str) -> None:
    """Insignificant white space is dropped, an empty element is written as by .NET."""
    content = value_of("xml($x)", x=given)

    assert content["$content-type"] == "application/xml;charset=utf-8"
    assert base64.b64decode(content["$content"]).decode() == written
    assert value_of("string(xml($x))", x=given) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"name": "Sophia Owen"}, "<name>Sophia Owen</name>"),
        ({"p": {"@id": 1, "a": [1, None, True], "#text": "t"}}, '<p id="1">t<a>1</a><a /><a>true</a></p>'),
        ({"p": {"a": {"b": 1.5}}}, "<p><a><b>1.5</b></a></p>"),
        ({"p": "<&>"}, "<p>&lt;&amp;&gt;</p>"),
    ],
)
def test_xml_of_an_object_has_its_one_property_as_root(value: object, written: str) -> None:
    """Attributes are `@name`, text is `#text`, arrays are repeated elements."""
    assert value_of("string(xml($x))", x=value) == written


@pytest.mark.parametrize(
    "value", ["not xml", "<a>", "", {}, {"a": 1, "b": 2}, {"a": [1]}, {"a b": 1}, [1], None, 1]
)
def test_invalid_xml_is_rejected(value: object) -> None:
    """Texts must be well-formed, objects must have one root with a legal name."""
    with pytest.raises(ExpressionError, match="The function 'xml' parameter is not valid"):
        value_of("xml($x)", x=value)


def test_a_document_type_is_rejected() -> None:
    """Entities can neither read files nor use up memory."""
    bomb = '<!DOCTYPE a [<!ENTITY e "lol"><!ENTITY f SYSTEM "file:///etc/hostname">]><a>&e;&f;</a>'

    with pytest.raises(ExpressionError, match="DTD is prohibited"):
        value_of("xml($x)", x=bomb)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sum(/produce/item/count)", 30.0),
        ("count(//item) > 1", True),
        ("string(/produce/item[2]/name)", "Honeycrisp"),
        ("/produce/item/name/text()", ["Gala", "Honeycrisp"]),
        ("/produce/nothing", []),
    ],
)
def test_xpath_returns_values_of_its_own_types(path: str, expected: object) -> None:
    """Numbers are floats, as everywhere in XPath; text nodes come as an array of strings."""
    value = value_of("xpath(xml($x), $p)", x=PRODUCE, p=path)

    assert value == expected
    assert type(value) is type(expected)


def test_xpath_finds_nodes_by_name_and_namespace() -> None:
    """A node is XML content that carries the namespaces in force."""
    for path in (
        '/*[name()="file"]/*[name()="location"]',
        '/*[local-name()="file" and namespace-uri()="http://contoso.com"]/*[local-name()="location"]',
    ):
        assert value_of("string(xpath(xml($x), $p)[0])", x=FILE, p=path) == (
            '<location xmlns="http://contoso.com">Paris</location>'
        )


def test_xpath_returns_attributes_as_strings() -> None:
    """Attribute nodes have no XML form."""
    assert value_of("xpath(xml($x), '//@*')", x=SOAP) == ["3", "4"]


@pytest.mark.parametrize("path", ["//[", "//x:y", "number('x')", ""])
def test_an_invalid_xpath_is_rejected(path: str) -> None:
    """Syntax, unknown prefixes, and numbers that JSON cannot hold are errors."""
    with pytest.raises(ExpressionError, match="The function 'xpath' parameter is not valid"):
        value_of("xpath(xml('<a/>'), $p)", p=path)


def test_xpath_requires_xml_content_and_a_string() -> None:
    """A text is no XML until the xml function has parsed it."""
    with pytest.raises(ExpressionError, match="'xpath' expects its first parameter to be an XML object"):
        value_of("xpath('<a/>', '/a')")
    with pytest.raises(ExpressionError, match="'xpath' expects its second parameter to be a string"):
        value_of("xpath(xml('<a/>'), 1)")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            '<?xml version="1.0"?> <root> <person id="1"> <name>Sophia Owen</name> </person> </root>',
            {"?xml": {"@version": "1.0"}, "root": {"person": {"@id": "1", "name": "Sophia Owen"}}},
        ),
        ("<a><b>1</b><b>2</b><b>3</b></a>", {"a": {"b": ["1", "2", "3"]}}),
        ('<a x="1">t</a>', {"a": {"@x": "1", "#text": "t"}}),
        ("<a/>", {"a": None}),
        (SOAP, {"s:E": {"@xmlns:s": "urn:s", "s:b": {"@i": "3", "@s:j": "4", "#text": "q"}, "s:c": None}}),
        (FILE, {"?xml": {"@version": "1.0"}, "file": {"@xmlns": "http://contoso.com", "location": "Paris"}}),
    ],
)
def test_json_of_xml_is_newtonsoft_s(given: str, expected: object) -> None:
    """The documentation's example, repeated elements, attributes, prefixes."""
    assert value_of("json(xml($x))", x=given) == expected

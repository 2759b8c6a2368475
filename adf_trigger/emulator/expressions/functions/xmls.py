"""XML for the xml, xpath and json functions: parsing, writing, and Newtonsoft.Json's conversion from and to JSON."""

import math
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.values import binary, binary_text, is_array, is_object, to_json

CONTENT_TYPE: Final = "application/xml;charset=utf-8"

_DECLARATION: Final = re.compile(r"<\?xml\s[^?]*\?>")
_PSEUDO_ATTRIBUTE: Final = re.compile(r"(version|encoding|standalone)\s*=\s*[\"']([^\"']*)[\"']")
_VERBATIM_OR_EMPTY: Final = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|/>", re.DOTALL)


def is_xml(value: Any) -> bool:
    """Whether a value is XML content, as returned by the xml function."""
    return is_object(value) and str(value.get("$content-type", "")).lower().startswith("application/xml")


def from_text(value: str) -> dict[str, Any]:
    """XML content from a text.

    Raises:
        ArgumentError: the text is not well-formed.
    """
    declaration = _DECLARATION.match(value)
    return content(_parse(value), declaration[0] if declaration else "")


def from_json(value: Any) -> dict[str, Any]:
    """XML content from an object with one property, the root element.

    Raises:
        ArgumentError: the value is something else, or a name in it is not valid in XML.
    """
    if not is_object(value) or len(value) != 1:
        raise _invalid(
            "JSON root object has multiple properties or none. The root object must have a single one"
        )
    ((name, root),) = value.items()
    if is_array(root):
        raise _invalid("JSON root property is an array; a document has one root element")
    try:
        return content(_element(name, root))
    except (ValueError, TypeError) as exc:
        raise _invalid(str(exc)) from exc


def content(node: etree._Element, declaration: str = "") -> dict[str, Any]:
    """XML content of a node, in which an empty element has a space before the slash, as in .NET."""
    written = etree.tostring(node, encoding="unicode", with_tail=False)
    spaced = _VERBATIM_OR_EMPTY.sub(lambda found: " />" if found[0] == "/>" else found[0], written)
    return binary(CONTENT_TYPE, b64encode(f"{declaration}{spaced}".encode()).decode())


def to_json_value(value: Mapping[str, str]) -> dict[str, Any]:
    """XML content as JSON: attributes become `@name`, text beside them `#text`, repeated elements arrays."""
    text = binary_text(value)
    root = _parse(text)
    declaration = _DECLARATION.match(text)
    found = {
        f"@{name}": given for name, given in _PSEUDO_ATTRIBUTE.findall(declaration[0] if declaration else "")
    }
    return {**({"?xml": found} if found else {}), _name(root): _json_of(root, {})}


def select(value: Mapping[str, str], path: str) -> Any:
    """The result of an XPath 1.0 expression: an array of nodes, or a string, number or boolean.

    Raises:
        ArgumentError: the expression is not valid.
    """
    root = _parse(binary_text(value))
    try:
        found = etree.XPath(path, regexp=False, smart_strings=False)(root.getroottree())
    except (etree.XPathError, ValueError) as exc:
        raise ArgumentError(
            f"parameter is not valid. The XPath expression '{path}' is not valid: '{exc}'."
        ) from exc
    if isinstance(found, list):
        return [content(node) if etree.iselement(node) else _text_of(node) for node in found]
    if isinstance(found, float) and not math.isfinite(found):
        raise ArgumentError(
            f"parameter is not valid. The XPath expression '{path}' does not give a finite number."
        )
    return found


def _text_of(node: Any) -> str:
    """Text and attributes as they are; lxml represents a namespace node as a pair of prefix and URI."""
    return str(node[1] if isinstance(node, tuple) else node)


def _parse(text: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_blank_text=True, strip_cdata=False
    )
    try:
        root = etree.fromstring(
            _DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text, parser
        )
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise _invalid(str(exc)) from exc
    if root.getroottree().docinfo.internalDTD is not None:
        raise _invalid("For security reasons DTD is prohibited in this XML document.")
    return root


def _invalid(reason: str) -> ArgumentError:
    return ArgumentError(
        f"parameter is not valid. The provided value cannot be converted to XML: '{reason}'."
    )


def _element(name: str, value: Any) -> etree._Element:
    element = etree.Element(name)
    if not is_object(value):
        element.text = _scalar(value)
        return element
    for key, item in value.items():
        if key.startswith("@"):
            element.set(key[1:], _scalar(item) or "")
        elif key == "#text":
            element.text = _scalar(item)
        else:
            element.extend(_element(key, one) for one in (item if is_array(item) else [item]))
    return element


def _scalar(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else to_json(value)


def _name(element: etree._Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _json_of(element: etree._Element, inherited: Mapping[str | None, str]) -> Any:
    found: dict[str, Any] = {}
    for prefix, address in element.nsmap.items():
        if inherited.get(prefix) != address:
            found[f"@xmlns:{prefix}" if prefix else "@xmlns"] = address
    prefixes = {address: prefix for prefix, address in element.nsmap.items()}
    for name, text in element.attrib.items():
        qualified = etree.QName(name)
        prefix = prefixes.get(qualified.namespace or "")
        found[f"@{prefix}:{qualified.localname}" if prefix else f"@{qualified.localname}"] = text
    for child in element.iterchildren(tag=etree.Element):
        _append(found, _name(child), _json_of(child, element.nsmap))
    own = "".join([element.text or "", *(child.tail or "" for child in element)])
    if not own:
        return found or None
    return {**found, "#text": own} if found else own


def _append(found: dict[str, Any], name: str, value: Any) -> None:
    """Add an element; a second one of the same name turns the first into an array."""
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]

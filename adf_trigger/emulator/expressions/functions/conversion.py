"""Conversion functions: between types, base64, data URIs, URI components, JSON, XML and binary content."""

import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from adf_trigger.emulator.expressions.functions import lenient_json, xmls
from adf_trigger.emulator.expressions.functions.arguments import (
    FIRST,
    ONLY,
    SECOND,
    not_convertible,
    text,
    wrong_type,
)
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.values import binary as binary_content
from adf_trigger.emulator.expressions.runtime.values import (
    binary_text,
    is_binary,
    is_int64,
    is_number,
    to_text,
    utf8,
)

OCTETS: Final = "application/octet-stream"

_INTEGER: Final = re.compile(r"\s*(?P<digits>[+-]?[0-9]{1,30})(?:[eE]\+?(?P<zeros>[0-9]{1,2}))?\s*")
_FLOAT: Final = re.compile(r"\s*[+-]?(?=[0-9.])(?:[0-9][0-9,]*)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\s*")
_DATA_URI: Final = re.compile(
    r"data:(?P<type>[^,]*?)(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL | re.IGNORECASE
)


def array(value: Any) -> list[Any]:
    """An array of the value, or the value itself if it is an array."""
    return value if isinstance(value, list) else [value]


def create_array(*values: Any) -> list[Any]:
    """An array of the arguments."""
    return list(values)


def bool_(value: Any) -> bool:
    """A boolean from a number (zero is false) or from the words true and false."""
    if isinstance(value, bool):
        return value
    if is_number(value):
        return value != 0
    folded = value.strip().lower() if isinstance(value, str) else ""
    if folded in {"true", "false"}:
        return folded == "true"
    raise not_convertible()


def int_(value: Any) -> int:
    """An integer from a number without a fraction, or from decimal digits, optionally with an exponent."""
    if isinstance(value, bool):
        return int(value)
    written = to_text(value) if is_number(value) or isinstance(value, str) else ""
    found = _INTEGER.fullmatch(written)
    if found:
        number: int = int(found["digits"]) * 10 ** int(found["zeros"] or 0)
        if is_int64(number):
            return number
    raise not_convertible()


def float_(value: Any) -> float:
    """A float from a number, or from a text, optionally with a point and thousands separators."""
    written = to_text(value) if is_number(value) or isinstance(value, str) else ""
    if _FLOAT.fullmatch(written):
        digits = written.replace(",", "")
        # A lone point or sign matches the pattern but is not a number.
        number = float(digits) if any(map(str.isdigit, re.split("[eE]", digits)[0])) else math.nan
        if math.isfinite(number):
            return number
    raise not_convertible()


def string(value: Any) -> str:
    """The value's text."""
    return to_text(value)


def json_(value: Any) -> Any:
    """The value of a JSON text, or of XML as Newtonsoft converts it."""
    if xmls.is_xml(value):
        return xmls.to_json_value(value)
    source = binary_text(value) if is_binary(value) else value
    if not isinstance(source, str):
        raise wrong_type(ONLY, "a string or an XML", value)
    try:
        return lenient_json.parse(source)
    except ValueError as exc:
        raise ArgumentError(
            f"parameter is not valid. The provided value '{source}' cannot be parsed: '{exc}'."
        ) from exc


def xml(value: Any) -> dict[str, Any]:
    """XML content from a text, or from an object with one property."""
    source = binary_text(value) if is_binary(value) else value
    return xmls.from_text(source) if isinstance(source, str) else xmls.from_json(source)


def xpath(value: Any, path: Any) -> Any:
    """The result of an XPath expression on XML content."""
    if not xmls.is_xml(value):
        raise wrong_type(FIRST, "an XML object", value)
    return xmls.select(value, text(path, SECOND))


def binary(value: Any) -> dict[str, Any]:
    """Binary content of a value's text."""
    if value is None:
        raise not_convertible()
    return value if is_binary(value) else binary_content(OCTETS, _encode(to_text(value)))  # type: ignore[return-value]


def base64(value: Any) -> str:
    """Base64 of a string's UTF-8, or of binary content."""
    return value["$content"] if is_binary(value) else _encode(text(value))


def base64_to_string(value: Any) -> str:
    """The UTF-8 text of base64."""
    return _decode(text(value)).decode("utf-8", errors="replace")


def base64_to_binary(value: Any) -> dict[str, Any]:
    """Binary content of base64."""
    return binary_content(OCTETS, b64encode(_decode(text(value))).decode())


def data_uri(value: Any) -> str:
    """The data URI of a string or of binary content."""
    if is_binary(value):
        return f"data:{value['$content-type']};base64,{value['$content']}"
    return f"data:text/plain;charset=utf-8;base64,{_encode(text(value))}"


def data_uri_to_binary(value: Any) -> dict[str, Any]:
    """Binary content of a data URI, with its media type."""
    media_type, data = _data_uri(value)
    return binary_content(media_type, b64encode(data).decode())


def data_uri_to_string(value: Any) -> str:
    """The text of a data URI."""
    return _data_uri(value)[1].decode("utf-8", errors="replace")


def decode_data_uri(value: Any) -> Any:
    """The content, depending on its type: text as a string, JSON parsed, anything else as binary content."""
    media_type, data = _data_uri(value)
    name = media_type.split(";")[0].strip().lower()
    if name.startswith("text/"):
        return data.decode("utf-8", errors="replace")
    if name == "application/json" or name.endswith("+json"):
        return json_(data.decode("utf-8", errors="replace"))
    return binary_content(
        media_type if "charset=" in media_type.lower() else f"{media_type};charset=us-ascii",
        b64encode(data).decode(),
    )


def uri_component(value: Any) -> str:
    """A value's text with everything but letters, digits and `-_.~` percent-encoded."""
    return quote(utf8(to_text(value)), safe="")


def uri_component_to_string(value: Any) -> str:
    """Percent-decoded text; a plus sign is a space."""
    return unquote_plus(text(value))


def uri_component_to_binary(value: Any) -> dict[str, Any]:
    """Binary content of percent-decoded text."""
    return binary_content(OCTETS, _encode(unquote_plus(text(value))))


def _encode(value: str) -> str:
    return b64encode(utf8(value)).decode()


def _decode(value: str) -> bytes:
    try:
        return b64decode("".join(value.split()), validate=True)
    except (Base64Error, ValueError) as exc:
        raise ArgumentError(
            "was invoked with a parameter that is not valid. The value cannot be decoded from base64 representation."
        ) from exc


def _data_uri(value: Any) -> tuple[str, bytes]:
    uri = text(value)
    found = _DATA_URI.fullmatch(uri)
    if found is None:
        raise ArgumentError(
            "expects its parameter to be formatted as a valid data URI. "
            f"The provided value '{uri}' was not formatted correctly."
        )
    data = unquote_plus(found["data"]) if not found["base64"] else found["data"]
    return found["type"] or "text/plain", _decode(data) if found["base64"] else utf8(data)

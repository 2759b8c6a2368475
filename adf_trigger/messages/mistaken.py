"""Recognises common mistakes in bodies that are not a request's JSON object, and says what to send instead.

Tools encode twice, escape for HTML, post as a form or write another charset; a parser's "line 1, column 1" does not
help a caller who is unaware of that.
"""

import codecs
import json
import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from adf_trigger.messages.encodings import begins_object, damage_of_base64, from_base64

_LOOKED_AT = 100_000
"""Bytes of a body that are examined."""
_FORM = re.compile(r"[A-Za-z0-9_.\-\[\]%+]{1,200}=[^&=\s]*(&[A-Za-z0-9_.\-\[\]%+]{1,200}=[^&=\s]*)*&?")
_OBJECT = "send the JSON object itself"
_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_GZIP = b"\x1f\x8b"
_NO_JSON = "the body is not JSON: it must be a JSON object, which begins with {"
_SHORTEST_TEXT = 4
"""Minimum characters of a decoded text to treat a body as base64: any short word is base64 of some bytes."""
_INSIDE = "the body is base64, and its content "

_SHAPES = (
    (re.compile(r"\Z"), f"the body is blank; {_OBJECT}"),
    (re.compile(r".{0,3}\x00", re.DOTALL), "the body is UTF-16 or UTF-32; send it in UTF-8"),
    (
        re.compile(r"(\{\s*)?&(quot|#34|#x22);", re.IGNORECASE),
        'the body is escaped for HTML or XML (&quot; in place of "); send it unescaped',
    ),
    (
        re.compile(r"--[^\n]*\n.{0,200}Content-Disposition", re.DOTALL | re.IGNORECASE),
        f"the body is a form (multipart/form-data); {_OBJECT}",
    ),
    (re.compile("<"), f"the body is XML or HTML; {_OBJECT}"),
    (
        re.compile(r"\{\s*'"),
        'the body has single quotes in place of double ones ("name"); send JSON',
    ),
    (
        re.compile(r"(\{\s*)?[\u201c\u201d]"),
        'the body has typographic quotes in place of plain ones ("name"); send JSON',
    ),
    (re.compile(r'\{\s*\\"'), 'the body has a backslash before its quotes; send plain quotes ("name")'),
)

_PARSERS: Mapping[str, str] = {
    "Expecting value": "a value is expected",
    "Expecting property name enclosed in double quotes": "a name in double quotes is expected",
    "Expecting ',' delimiter": "a comma is expected",
    "Expecting ':' delimiter": "a colon is expected",
    "Extra data": "there is data after the end of the object",
    "Unterminated string starting at": "an unterminated string begins",
    "Invalid control character at": "a control character in a string must be escaped",
    "Invalid \\escape": "a backslash in a string must be escaped",
    "Invalid \\uXXXX escape": "\\u takes four hexadecimal digits",
    "Illegal trailing comma before end of object": "a comma before the end of an object is not allowed",
    "Illegal trailing comma before end of array": "a comma before the end of an array is not allowed",
}


def not_json(error: json.JSONDecodeError) -> str:
    """The fault of text that is not JSON: its actual format if that is recognised, else the place of the error.

    Args:
        error: the parser's error.
    """
    known = _text(error.doc[:_LOOKED_AT])
    if known is not None:
        return known
    if not _begins_an_object(error.doc) and not error.doc.lstrip().startswith(("[", '"')):
        return _NO_JSON
    said = next(
        (ours for theirs, ours in _PARSERS.items() if error.msg.startswith(theirs)), "it cannot be parsed"
    )
    return f"the body is not JSON: {said} at line {error.lineno}, column {error.colno}"


def not_utf_8(body: bytes) -> str:
    """The fault of bytes that are not UTF-8."""
    head = body[:_LOOKED_AT]
    if head.startswith(_GZIP):
        return f"the body is compressed (gzip); {_OBJECT}, uncompressed"
    if head.startswith(_UTF_16_OR_32) or b"\x00" in head[:4]:
        return "the body is UTF-16 or UTF-32; send it in UTF-8"
    if head.lstrip().startswith((b"{", b"[", b'"')) and b"\x00" not in head:
        return "the body is not UTF-8 but Latin-1 or a similar code page; send it in UTF-8"
    return "the body is not UTF-8"


def not_an_object(document: object) -> str | None:
    """The fault of JSON whose object is wrapped in a string; None for any other JSON."""
    if not isinstance(document, str):
        return None
    if _is_json_object(document):
        return f"the body is JSON inside a JSON string (encoded twice); {_OBJECT}"
    return _text(document[:_LOOKED_AT]) or None


def not_an_inner_object(value: object) -> str | None:
    """The fault of a string in the place of an object, if it is the object's JSON; else None."""
    if isinstance(value, str) and _is_json_object(value):
        return "is JSON inside a JSON string (encoded twice); send the object itself"
    return None


def _text(text: str) -> str | None:
    stripped = text.strip()
    known = next((said for shape, said in _SHAPES if shape.match(stripped)), None)
    return known or _encoded(stripped)


def _encoded(text: str) -> str | None:
    decoded = unquote_plus(text)
    if decoded != text and _begins_an_object(decoded):
        return f"the body is URL-encoded JSON; {_OBJECT}, not encoded"
    inner = from_base64(text)
    if inner is not None and (said := _inside(inner)) is not None:
        return said
    if inner is None and (damage := damage_of_base64(text)) is not None:
        return f"the body is damaged base64 of JSON: {damage}"
    if _FORM.fullmatch(text):
        return 'the body is form-encoded (name=value); send JSON: {"parameters": {"name": "value"}}'
    return None


def _inside(inner: bytes) -> str | None:
    """The fault of base64; None if it decodes to no text, and so may not be base64 at all."""
    if begins_object(inner):
        return f"the body is base64 of JSON; {_OBJECT}"
    try:
        text = inner.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return f"{_INSIDE}is compressed (gzip); {_OBJECT}, uncompressed" if inner.startswith(_GZIP) else None
    if len(text) < _SHORTEST_TEXT or not text.isprintable():
        return None
    if (again := from_base64(text)) is not None and _inside(again) is not None:
        return f"the body is base64-encoded too many times; {_OBJECT}"
    known = next((said for shape, said in _SHAPES if shape.match(text)), None)
    if known is None and text.startswith(("[", '"')) and _is_json(text):
        return f"{_INSIDE}must be an object"
    return f"{_INSIDE}{(known or _NO_JSON).removeprefix('the body ')}"


def _begins_an_object(text: str) -> bool:
    return text.removeprefix("\ufeff").lstrip().startswith("{")


def _is_json_object(text: str) -> bool:
    return _begins_an_object(text) and _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True

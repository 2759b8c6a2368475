"""Finds the JSON object in the bytes of a message, in any encoding that senders use.

One rule decides. Bytes are read as UTF-8, or as UTF-16 or UTF-32 by their byte order mark or the positions of their
zero bytes. Text that begins with `{` is JSON. Other text is base64 only if it decodes to a JSON object, possibly
through further layers of base64; else it is left as it is. `{` is not in the base64 alphabet, so no text is both.
"""

import base64
import binascii
import codecs
import re

LAYERS = 3
"""Maximum layers of base64: by the sender, by a client that encodes every text, and when put back into the queue."""

_BLANKS = b" \t\r\n\x0b\x0c"
_LEFT_OUT = re.compile(r"[ \t\r\n\v\f\ufeff]")
_BASE64 = re.compile(r"([A-Za-z0-9+/_-]+)=*")
_URL_SAFE = str.maketrans("-_", "+/")
_MARKS = (
    # That of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS = (
    (re.compile(rb"[^\x00]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00\x00\x00[^\x00]"), "utf-32-be"),
    (re.compile(rb"[^\x00]\x00"), "utf-16-le"),
    (re.compile(rb"\x00[^\x00]"), "utf-16-be"),
)
"""JSON begins with an ASCII character, whose zero bytes show the encoding (RFC 4627, section 3)."""


def plain_json(body: bytes, *, layers: int = LAYERS) -> bytes:
    """The UTF-8 text of the JSON object in any bytes; the bytes themselves if they contain none.

    UTF-8 stays the same, byte for byte.

    Args:
        body: as received.
        layers: maximum layers of base64.
    """
    text = _in_utf_8(body)
    if begins_object(text):
        return text
    if layers > 0 and (inner := from_base64(text.decode("utf-8", "replace"))) is not None:
        decoded = plain_json(inner, layers=layers - 1)
        if begins_object(decoded):
            return decoded
    return body


def begins_object(body: bytes) -> bool:
    """Whether bytes begin a JSON object, after a byte order mark and blanks."""
    return body.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS).startswith(b"{")


def from_base64(text: str) -> bytes | None:
    """The content of base64, of either alphabet, with or without padding and blanks; None if it is not base64."""
    matched = _BASE64.fullmatch(_LEFT_OUT.sub("", text))
    if matched is None:
        return None
    digits = matched[1].translate(_URL_SAFE)
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def damage_of_base64(text: str) -> str | None:
    """The fault of a text that begins like base64 of a JSON object; None for any other text."""
    digits = _LEFT_OUT.sub("", text).rstrip("=").translate(_URL_SAFE)
    whole = re.match(r"[A-Za-z0-9+/]*", digits)
    good = "" if whole is None else whole[0]
    head = from_base64(good[: len(good) // 4 * 4])
    if head is None or not begins_object(_in_utf_8(head)):
        return None
    if len(good) < len(digits):
        return f"character {len(good) + 1} is not in the base64 alphabet"
    return f"base64 cannot have {len(digits)} characters; its end is missing"


def _in_utf_8(body: bytes) -> bytes:
    """Convert UTF-16 and UTF-32 to UTF-8; other bytes are returned unchanged."""
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    if encoding is None:
        encoding = next((name for zeros, name in _ZEROS if zeros.match(body)), None)
    if encoding is None:
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeError:  # reported when it is parsed
        return body

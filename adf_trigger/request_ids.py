"""The ids of requests, which are their idempotency keys: their form, and their encoding in a path.

Callers use the keys they have: `manual__2026-11-25T06:00:00+00:00`, a blob's path, a name in any language. Hosts and
proxies disagree on what `%2F`, `+` and `..` in a path mean, so a path that this service writes has none of them: each
byte of an id except `A-Z a-z 0-9 _ -` is `~XX`, two upper-case hexadecimal digits.
"""

import re
from uuid import UUID

from adf_trigger.plain_text import has_controls, is_blank

MAX_REQUEST_ID = 255
"""Characters, not bytes."""

REQUEST_ID_FORM = "must be 1 to 255 characters, none a control character, with no blank at either end"

_TO_WRITE = re.compile(rb"[^A-Za-z0-9_-]")
_WRITTEN = re.compile(r"(?:[A-Za-z0-9_-]|~[0-9A-F]{2})+")
_WRITTEN_BYTE = re.compile(rb"~([0-9A-F]{2})")
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


def is_request_id(text: str) -> bool:
    """Whether a text can be an idempotency key, and so a requestId."""
    return (
        len(text) <= MAX_REQUEST_ID and text == text.strip() and not is_blank(text) and not has_controls(text)
    )


def as_guid(text: str) -> UUID | None:
    """A text parsed as a GUID, the form of runIds; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def in_path(request_id: str) -> str:
    """The path segment that encodes an id; unique for each id."""
    raw = request_id.encode("utf-8", "surrogatepass")
    return _TO_WRITE.sub(lambda match: b"~%02X" % match[0][0], raw).decode()


def from_path(segment: str) -> str:
    """The id that a path segment names.

    A segment that `in_path` has written is decoded. Anything else was typed by a caller, and is the id itself, so that
    a lone `~`, one followed by lower-case digits, or an escaped letter that needs no escape, stand for themselves.

    Args:
        segment: as the Functions host passes it: percent-decoded, except for slashes. Whether `%2F` in it was sent
            as `%2F` or as `%252F` cannot be determined, so it is read as a slash, the far more common intent.
    """
    if _WRITTEN.fullmatch(segment):
        raw = _WRITTEN_BYTE.sub(lambda match: bytes([int(match[1], 16)]), segment.encode())
        text = raw.decode("utf-8", "replace")
        if in_path(text) == segment:
            return text
    return _ENCODED_SLASH.sub("/", segment)

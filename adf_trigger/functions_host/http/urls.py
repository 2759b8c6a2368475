"""Paths and queries as the platform's server reads them, which is not quite as Python does."""

import re

_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_TO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_LONGEST_SEQUENCE = 4
_SLASH = "%2f"


def unescaped(text: str, *, keep_slash: bool = False) -> str:
    """A text with its escapes decoded as UTF-8; those that are none stay as they are.

    Args:
        text: percent-encoded.
        keep_slash: leave an encoded slash encoded, as within a path.
    """
    return _ESCAPED.sub(lambda match: _decoded(match[0], keep_slash=keep_slash), text)


def normal_path(raw: str) -> str:
    """A path decoded but for `%2F`, without its `.` and `..` segments."""
    segments: list[str] = []
    parts = unescaped(raw, keep_slash=True).split("/")
    for part in parts:
        if part == "..":
            del segments[max(1, len(segments) - 1) :]
        elif part != ".":
            segments.append(part)
    if parts[-1] in {".", ".."}:
        segments.append("")
    return "/".join(segments)


def escaped_path(path: str) -> str:
    """A decoded path as it stands in a URL; what looks like an escape stays one."""
    return _TO_ESCAPE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), path)


def query_values(query: str) -> dict[str, str]:
    """A query's values by name.

    Names that differ in case only are one, under the first spelling; its values are joined by commas, and empty
    ones are left out.
    """
    joined: dict[str, str] = {}
    spelling: dict[str, str] = {}
    for part in query.split("&"):
        name, value = (unescaped(each.replace("+", " ")) for each in part.partition("=")[::2])
        if value:
            first = spelling.setdefault(name.lower(), name)
            joined[first] = f"{joined[first]},{value}" if first in joined else value
    return joined


def first_value(query: str, name: str) -> str | None:
    """The first value of a name, in whatever case it is written; None where there is none."""
    for part in query.split("&"):
        given, _, value = part.partition("=")
        if unescaped(given.replace("+", " ")).lower() == name:
            return unescaped(value.replace("+", " "))
    return None


def _decoded(escapes: str, *, keep_slash: bool) -> str:
    pieces = [escapes[index : index + 3] for index in range(0, len(escapes), 3)]
    text = ""
    while pieces:
        kept = keep_slash and pieces[0].lower() == _SLASH
        size, character = (1, pieces[0]) if kept else _first_character(pieces)
        text += character
        del pieces[:size]
    return text


def _first_character(pieces: list[str]) -> tuple[int, str]:
    """How many escapes make the first character, and that; the first escape itself where they make none."""
    for size in range(1, min(_LONGEST_SEQUENCE, len(pieces)) + 1):
        try:
            return size, bytes(int(piece[1:], 16) for piece in pieces[:size]).decode()
        except UnicodeDecodeError:
            continue
    return 1, pieces[0]

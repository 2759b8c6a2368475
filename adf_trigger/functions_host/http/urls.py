"""Paths and queries as the platform's server reads them, which differs slightly from Python."""

import re

_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_TO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_LONGEST_SEQUENCE = 4
_SLASH = "%2f"


def unescaped(text: str, *, keep_slash: bool = False) -> str:
    """A text with its escapes decoded as UTF-8; invalid ones are left unchanged.

    Args:
        text: percent-encoded.
        keep_slash: leave an encoded slash encoded, as within a path.
    """
    return _ESCAPED.sub(lambda match: _decoded(match[0], keep_slash=keep_slash), text)


def normal_path(raw: str) -> str:
    """A path decoded except for `%2F`, without its `.` and `..` segments."""
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
    """A decoded path, encoded for a URL; existing escapes are kept."""
    return _TO_ESCAPE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), path)


def query_values(query: str) -> dict[str, str]:
    """A query's values by name.

    Names that differ only in case are one name, in its first spelling; its values are joined by commas, and empty
    values are dropped.
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
    """The first value of a name, ignoring case; None if there is none."""
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
    """The number of escapes of the first character, and that character; one escape unchanged if they are invalid."""
    for size in range(1, min(_LONGEST_SEQUENCE, len(pieces)) + 1):
        try:
            return size, bytes(int(piece[1:], 16) for piece in pieces[:size]).decode()
        except UnicodeDecodeError:
            continue
    return 1, pieces[0]

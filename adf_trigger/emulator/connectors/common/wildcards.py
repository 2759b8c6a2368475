"""Wildcards of paths: `*` matches any number of characters, `?` none or one, `^` escapes the next one."""

import re
from functools import lru_cache

_SPECIAL = frozenset("*?^")


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern contains anything but literal characters."""
    return not _SPECIAL.isdisjoint(pattern)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]?")
        elif character == "^":
            # At the end there is nothing to escape, so it matches itself.
            parts.append(re.escape(next(characters, "^")))
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether a whole name matches, case-sensitively like blob names; only `/` matches `/`."""
    return _compiled(pattern).fullmatch(name) is not None


def folder_matches(pattern: str, folder: str, *, recursive: bool) -> bool:
    """Whether a folder matches the pattern or, if recursive, is below one that matches."""
    if not pattern:
        return recursive or not folder
    wanted = pattern.split("/")
    segments = folder.split("/") if folder else []
    if len(segments) < len(wanted) or (len(segments) > len(wanted) and not recursive):
        return False
    return all(matches(part, segment) for part, segment in zip(wanted, segments, strict=False))


def fixed_folder(pattern: str) -> str:
    """The leading folders of a pattern without wildcards, where a search can start."""
    fixed = []
    for part in pattern.split("/"):
        if has_wildcard(part):
            break
        fixed.append(part)
    return "/".join(fixed)

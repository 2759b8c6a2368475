"""Text that has to fit."""

import unicodedata

ELLIPSIS = "…"
LONGEST_LINE = 500
"""Characters of a reason in one line: what a list, a terminal or an alert has room for."""

_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories that a terminal would obey and a line cannot hold: controls, marks of direction, halves of pairs."""


def shorten(text: str, limit: int) -> str:
    """A text of at most `limit` characters: itself, or its beginning with an ellipsis at the end."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def shorten_middle(text: str, limit: int) -> str:
    """A text of at most `limit` characters: itself, or its beginning and its end with an ellipsis between."""
    if len(text) <= limit:
        return text
    kept = max(0, limit - len(ELLIPSIS))
    return text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """A text on one line of at most `limit` characters: white space is one blank, control characters are left out."""
    words = " ".join(text.split())
    plain = "".join(each for each in words if unicodedata.category(each) not in _NOT_SHOWN)
    return shorten(plain, limit)

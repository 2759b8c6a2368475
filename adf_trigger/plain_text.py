"""The characters allowed in one-line texts for people: the one rule for ids, labels and notes."""

import unicodedata

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, halves of surrogate pairs, and separators of lines: headers, logs or XML cannot hold them."""
_NONCHARACTERS = range(0xFDD0, 0xFDF0)
_LAST_OF_A_PLANE = 0xFFFE
"""A mask that matches the last two code points of each plane, which are noncharacters, too."""
_TURN_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates turn the direction of what follows, which can disguise a text as another one. The
marks that right-to-left languages are written with do not."""
_VISIBLE = frozenset("LMNPS")
"""First letters of the categories of visible characters."""

NO_CONTROLS = (
    "must not contain control characters, line breaks or characters that change the direction of text"
)
NOT_BLANK = "must not be blank"

_NONE_OF_THEM = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]*"
LINE_PATTERN = rf"^{_NONE_OF_THEM}\S{_NONE_OF_THEM}$"
"""The rule, as far as a JSON Schema can express it."""


def has_controls(text: str) -> bool:
    """Whether a text holds a character that is no text, ends a line, or turns its direction."""
    return any(map(_is_no_text, text))


def is_blank(text: str) -> bool:
    """Whether a text has no visible character."""
    return not any(unicodedata.category(character)[0] in _VISIBLE for character in text)


def without_controls(text: str) -> str:
    """A text with each character that is not allowed replaced by U+FFFD."""
    return "".join("\ufffd" if _is_no_text(character) else character for character in text)


def _is_no_text(character: str) -> bool:
    return (
        unicodedata.category(character) in _NO_TEXT
        or character in _TURN_DIRECTION
        or ord(character) in _NONCHARACTERS
        or ord(character) & _LAST_OF_A_PLANE == _LAST_OF_A_PLANE
    )

"""The Prefer header (RFC 7240): how long a caller waits for the end of a run."""

import re

MOST_SECONDS = 200
"""The platform's front end aborts a call after 230 seconds."""
_MOST_DIGITS = 9

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_WORD = rf'(?:{_NAME}|"(?:[^"\\]|\\.)*")'
_PREFERENCE = re.compile(
    rf"[ \t]*(?P<name>{_NAME})(?:[ \t]*=[ \t]*(?P<value>{_WORD})?)?"
    rf"(?:[ \t]*;[ \t]*(?:{_NAME}(?:[ \t]*=[ \t]*{_WORD}?)?)?)*[ \t]*(?:,|\Z)"
)
_UP_TO_COMMA = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"|")*?(?:,|\Z)')
_SECONDS = re.compile(r'"?([0-9]+)"?')


def seconds_to_wait(header: str | None) -> int | None:
    """The seconds of `wait`, at most 200; None if it is missing or malformed.

    Other preferences and malformed ones are ignored: a preference is never a reason to refuse a request. Of
    several `wait` the first one counts.
    """
    text, place = header or "", 0
    while place < len(text):
        found = _PREFERENCE.match(text, place)
        if found is None:
            skipped = _UP_TO_COMMA.match(text, place)
            place = skipped.end() if skipped and skipped.end() > place else len(text)
            continue
        if found["name"].lower() == "wait":
            return _seconds(found["value"])
        place = found.end()
    return None


def _seconds(value: str | None) -> int | None:
    digits = _SECONDS.fullmatch(value or "")
    if digits is None:
        return None
    return min(MOST_SECONDS, int(digits[1].lstrip("0")[:_MOST_DIGITS] or "0"))


def applied(seconds: int) -> dict[str, str]:
    """The header that confirms the maximum wait that was honoured."""
    return {"Preference-Applied": f"wait={seconds}"}

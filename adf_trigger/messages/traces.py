"""The trace that a caller's request is part of: W3C Trace Context's `traceparent`, carried through to the event."""

import re

_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-[!-~]*)?",
    re.ASCII,
)
_FIRST_VERSION, _NO_VERSION = "00", "ff"
_LONGEST = 256
"""Characters. Version 00 has 55; later ones may have more, up to this limit of ours."""


def traceparent_of(value: object) -> str | None:
    """A traceparent, unchanged; None for an invalid value, which according to W3C is ignored and not refused.

    Source: https://www.w3.org/TR/trace-context/#traceparent-header, with its rules for later versions.
    """
    found = _TRACEPARENT.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None or found["version"] == _NO_VERSION:
        return None
    if found["version"] == _FIRST_VERSION and found["more"] is not None:
        return None
    # All-zero ids are invalid.
    return found[0] if found["trace"].strip("0") and found["parent"].strip("0") else None

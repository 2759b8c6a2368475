"""Formats untrusted texts, and times, for a terminal."""

import json
import os
import re
import shlex
import subprocess
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

_INTERPRETED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that a terminal may interpret or cannot show: controls, writing directions, half pairs."""
_COPY_ERROR = re.compile(r"ErrorCode=(?P<code>\w+),'Type=[^,]*,Message=(?P<message>.*?),Source=", re.DOTALL)
_MINUTE, _HOUR = 60, 3600
PROGRAM = "adf-trigger"


def plain(text: object) -> str:
    """A text on one line, without characters that a terminal would interpret: none can imitate our output."""
    return "".join(
        " "
        if each in "\n\t\r"
        else each
        if unicodedata.category(each) not in _INTERPRETED
        else f"\\u{ord(each):04x}"
        for each in str(text)
    )


def json_text(document: Any) -> str:
    """Indented JSON; characters that a terminal would interpret are escaped."""
    return _escaped(json.dumps(document, ensure_ascii=False, indent=2))


def json_line(document: Any) -> str:
    """JSON on one line; characters that a terminal would interpret are escaped."""
    return _escaped(json.dumps(document, ensure_ascii=False))


def _escaped(text: str) -> str:
    return "".join(
        each if each == "\n" or unicodedata.category(each) not in _INTERPRETED else json.dumps(each)[1:-1]
        for each in text
    )


def duration_text(milliseconds: int | None) -> str:
    """A duration: `5.1 s`, `2:05`, `1:02:05`; `-` where there is none."""
    if milliseconds is None:
        return "-"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < _MINUTE else clock(seconds)


def clock(seconds: float) -> str:
    """A running duration: `0:05`, `1:02:05`."""
    whole = int(seconds)
    minutes, hours = whole // _MINUTE % _MINUTE, whole // _HOUR
    return f"{hours}:{minutes:02}:{whole % _MINUTE:02}" if hours else f"{minutes}:{whole % _MINUTE:02}"


def moment(instant: datetime | None) -> str:
    """An instant in UTC, to the second."""
    return "-" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def shell_quoted(text: str) -> str:
    """An argument quoted for the shell, so that a hint can be pasted whatever it contains."""
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)


def copy_error(message: str) -> tuple[str, str]:
    """The error code and the sentence within a message of the Copy activity; else no code, and the message."""
    found = _COPY_ERROR.search(message)
    return (found["code"], found["message"]) if found else ("", message)


_DURATION = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


def seconds_of(text: str) -> float:
    """The seconds of `90`, `90s`, `5m`, `1h30m`, `2d`.

    Raises:
        ValueError: the text is not a duration.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is not a duration like 90s, 5m, 1h30m or 2d")
    days, hours, minutes, seconds = (float(found[unit] or 0) for unit in "dhms")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()

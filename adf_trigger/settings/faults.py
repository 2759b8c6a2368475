"""The faults of settings, in sentences that name variables and never show a value."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

PREFIX = "ADF_TRIGGER_"
TOGETHER = "settings_together"
"""Type of the error that holds the faults between several settings."""

_UNRESOLVED = re.compile(r"\s*@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NOT_SHOWN = "(not shown)"
_LIKE_ENOUGH = 0.6
_OUR_WORDS = frozenset({"enum", "literal_error"})
"""Errors that quote the allowed values, and nothing of the given one."""
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known name",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}


def together(faults: Sequence[str]) -> PydanticCustomError:
    """The error that holds the faults between several settings."""
    return PydanticCustomError(TOGETHER, "{count} faults", {"count": len(faults), "faults": list(faults)})


def unresolved(values: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """Variable → fault, for values that are references which the platform should have replaced."""
    return {
        name: f"{name}: is a reference that has not been resolved; check the app's identity and its rights there"
        for name, value in values.items()
        if name in known and _UNRESOLVED.match(value)
    }


def sentences(error: ValidationError, values: Mapping[str, str]) -> dict[str, list[str]]:
    """Variable → its faults; a fault between several settings is under the variable it begins with.

    Args:
        error: of the validation.
        values: variable → value, to be left out of the sentences.
    """
    found: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_input=False):
        for sentence in _sentences(each, values):
            found.setdefault(name_of(sentence), []).append(sentence)
    return found


def _sentences(error: ErrorDetails, values: Mapping[str, str]) -> list[str]:
    if error["type"] == TOGETHER:
        return list(error["ctx"]["faults"])
    if not error["loc"]:
        return [error["msg"]]
    name = str(error["loc"][0])
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] in _WORDS:
        return [f"{where}: {_WORDS[error['type']]}"]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] in _OUR_WORDS:
        return [f"{where}: {message}"]
    return [f"{where}: {_without(values.get(name, ''), message)}"]


def name_of(sentence: str) -> str:
    """The variable that a fault or a warning begins with."""
    return re.split(r"[:.]", sentence, maxsplit=1)[0]


def _without(value: str, message: str) -> str:
    """The message without its quotes of the value."""

    def shown(match: re.Match[str]) -> str:
        quoted = match[0][1:-1]
        return _NOT_SHOWN if quoted and (quoted in value or "\\" in quoted) else match[0]

    shorter = _QUOTED.sub(shown, message)
    return shorter.replace(value, _NOT_SHOWN) if value else shorter


def unknown_names(names: Iterable[str], known: Collection[str]) -> list[str]:
    """One sentence for each name with our prefix that no setting has, with the nearest known name."""
    warnings = []
    for name in sorted(names):
        if name in known or not name.upper().startswith(PREFIX):
            continue
        nearest = get_close_matches(name.upper(), known, n=1, cutoff=_LIKE_ENOUGH)
        hint = f"; the nearest known name is {nearest[0]}" if nearest else ""
        warnings.append(f"{name}: no setting has this name, so it has no effect{hint}")
    return warnings

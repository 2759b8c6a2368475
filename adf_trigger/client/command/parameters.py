"""The values of `-p`, typed as the pipeline declares them. Faults never show a value: any may be a secret."""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adf_trigger.errors import Fault, InvalidRequest

HELP = (
    "A parameter, typed as the pipeline declares it: NAME=VALUE; NAME:=JSON; NAME=@FILE, the contents of a file; NAME "
    "alone prompts for the value without echo; @FILE is a JSON object of several. A leading @@ stands for @, and the "
    "file - for standard input."
)
_INT = re.compile(r"[+-]?[0-9]{1,40}")
_TRUTHS = {"true": True, "false": False}

ReadFile = Callable[[str], str]
AskHidden = Callable[[str], str]


def parameters_of(
    given: Sequence[str],
    types: Mapping[str, str] | None,
    *,
    read: ReadFile,
    ask: AskHidden | None,
) -> dict[str, Any]:
    """Name → value of all `-p` options. Later ones override earlier ones, so that a file can hold common values.

    A name that is given twice outside files is a fault: one of the two values would be dropped silently.

    Args:
        given: the values of `-p`.
        types: name → declared type; None where the types are not known, so that values are text.
        read: returns the text of a file.
        ask: prompts for a value without echo; None where there is no terminal.

    Raises:
        InvalidRequest: with every fault; no fault shows a value.
    """
    values: dict[str, Any] = {}
    named: set[str] = set()
    faults: list[Fault] = []
    for each in given:
        try:
            found = _one(each, types, read=read, ask=ask)
        except _Wrong as exc:
            faults.append(Fault(f"-p {exc.name}", str(exc)))
            continue
        twice = set() if each.startswith("@") else {name.casefold() for name in found}
        faults += [Fault(f"-p {name}", "is given more than once") for name in found if twice & named]
        named |= twice
        values |= found
    if faults:
        raise InvalidRequest(faults)
    return values


class _Wrong(ValueError):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def _one(
    text: str, types: Mapping[str, str] | None, *, read: ReadFile, ask: AskHidden | None
) -> dict[str, Any]:
    if text.startswith("@"):
        document = _json(text, _contents(text[1:], text, read))
        if not isinstance(document, dict):
            raise _Wrong(text, "must be a file with a JSON object, name to value")
        return {_spelled(name, types): value for name, value in document.items()}
    name, equals, value = text.partition("=")
    raw = name.endswith(":") and bool(equals)
    name = _spelled(name.removesuffix(":") if raw else name, types)
    if not name:
        raise _Wrong("", "must be NAME=VALUE, NAME:=JSON, NAME=@FILE, NAME or @FILE")
    if not equals:
        if ask is None:
            raise _Wrong(
                name,
                "has no value, and there is no terminal to prompt on: NAME=VALUE, NAME:=JSON or NAME=@FILE",
            )
        value = ask(name)
    elif value.startswith("@@"):
        value = value[1:]
    elif value.startswith("@"):
        value = _contents(value[1:], name, read)
    if raw:
        return {name: _json(name, value)}
    return {name: _typed(name, value, (types or {}).get(name, "String"))}


def _spelled(name: str, types: Mapping[str, str] | None) -> str:
    """The name as the pipeline declares it: Data Factory's names compare without case."""
    return next((each for each in types or () if each.casefold() == name.casefold()), name)


def _contents(file: str, name: str, read: ReadFile) -> str:
    try:
        return read(file).removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is not UTF-8 text"
        raise _Wrong(name, f"the file {file} cannot be read: {why}") from exc


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as exc:
        where = f" (line {exc.lineno}, column {exc.colno})" if isinstance(exc, json.JSONDecodeError) else ""
        raise _Wrong(name, f"is not JSON{where}") from exc


def _refused(_: str) -> Any:
    raise ValueError


def _typed(name: str, text: str, kind: str) -> Any:
    match kind.casefold():
        case "int":
            if _INT.fullmatch(text.strip()) is None:
                raise _Wrong(name, "must be an int, like 5")
            return int(text)
        case "float":
            return _float(name, text)
        case "bool":
            if text.strip().casefold() not in _TRUTHS:
                raise _Wrong(name, "must be a bool: true or false")
            return _TRUTHS[text.strip().casefold()]
        case "array":
            if not isinstance(found := _json(name, text), list):
                raise _Wrong(name, 'must be an array of JSON, like ["a", "b"]')
            return found
        case "object":
            if not isinstance(found := _json(name, text), dict):
                raise _Wrong(name, 'must be an object of JSON, like {"a": 1}')
            return found
        case _:
            return text


def _float(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _Wrong(name, "must be a float, like 0.5")
    return number


def read_file(file: str) -> str:
    """The text of a file, or of standard input for `-`."""
    return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")

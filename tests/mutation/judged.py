"""Mutants that somebody has judged to behave as the code does: `equivalent.toml`, beside this module.

A judgement is about a change of a line of a function, not about a mutant's number, which the next change of the file
makes another one's. Where a line changes, what was judged of it is void, and is told.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
PACKAGE = "adf_trigger."


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant changes.

    Attributes:
        function: where, such as `service.dispatch.Dispatcher.dispatch`.
        line: what stands there, without indentation; several lines as they are.
        becomes: what the mutant has instead.
    """

    function: str
    line: str
    becomes: str


def change_of(mutant: str) -> tuple[Change, str]:
    """What a mutant changes, and the difference as it is shown to people."""
    file = Path(mutant.rpartition(".")[0].replace(".", "/") + ".py")
    shown = get_diff_for_mutant(mutant, path=file)
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    return Change(function_of(mutant), _changed(lines, "-"), _changed(lines, "+")), shown


def function_of(mutant: str) -> str:
    """A mutant's function; mutmut writes `adf_trigger.service.starting.send.xǁSenderǁsend__mutmut_3` for a method."""
    module, _, mangled = mutant.removeprefix(PACKAGE).rpartition(".")
    name = mangled.rpartition("__mutmut_")[0]
    return f"{module}.{name.removeprefix('xǁ').replace('ǁ', '.') if 'ǁ' in name else name.removeprefix('x_')}"


def _changed(difference: Iterable[str], sign: str) -> str:
    return "\n".join(line[1:].strip() for line in difference if line.startswith(sign))


def judged(file: Path = EQUIVALENT) -> dict[Change, str]:
    """The changes that were judged, each with the reason why nothing can tell them.

    Raises:
        ValueError: a judgement without a reason, or a second one of the same change.
    """
    found: dict[Change, str] = {}
    for entry in tomllib.loads(file.read_text("utf-8")).get("mutant", []):
        change = Change(entry["function"], entry["line"].strip(), entry["becomes"].strip())
        if change in found or not entry["because"].strip():
            raise ValueError(f"judged twice, or without a reason: {change}")
        found[change] = entry["because"]
    return found


def as_entry(change: Change) -> str:
    """A change as it would be written into the file, for a reason to be added."""
    return "\n".join(
        [
            "[[mutant]]",
            f"function = {_text(change.function)}",
            f"line = {_text(change.line)}",
            f"becomes = {_text(change.becomes)}",
            'because = ""',
        ]
    )


def _text(value: str) -> str:
    if "'" in value or "\n" in value:
        return (
            f"'''{value}'''" if "'''" not in value and not value.endswith("'") else f'"""{_escaped(value)}"""'
        )
    return f"'{value}'"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')

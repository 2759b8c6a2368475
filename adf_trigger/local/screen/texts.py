"""Texts of the local stack's commands: lines of at most 80 characters, except for longer paths."""

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTH = 80
COMMAND = "adf-trigger"
_LABEL = 14
_LONGEST_PIPELINE, _LONGEST_REASON = 32, 60


def wrapped(text: str, *, indent: int = 0, hanging: int = 4) -> list[str]:
    """Wrap a text between words; lines after the first are indented further."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def step(part: str, where: str, seconds: float) -> str:
    """The line for a part that is ready."""
    line = f"✓ {part:<{_LABEL}} {where}"
    took = f"{seconds:.1f} s"
    return f"{line}{took:>{WIDTH - len(line)}}" if len(line) + len(took) < WIDTH else f"{line} {took}"


def command() -> str:
    """The command as typed in another terminal, in any folder and environment."""
    if shutil.which(COMMAND):
        return COMMAND
    script = script_folder() / (f"{COMMAND}.exe" if sys.platform == "win32" else COMMAND)
    return _quoted(str(script)) if script.is_file() else f"{_quoted(sys.executable)} -m adf_trigger"


def script_folder() -> Path:
    """The folder of this environment's commands."""
    return Path(sys.executable).parent


def ready(
    *,
    run: Sequence[str],
    data: Path,
    kept: bool,
    alone: bool = True,
    service: bool = True,
    console: str | None = None,
    key: str | None = None,
    windows: bool = os.name == "nt",
) -> Iterator[str]:
    """The closing lines of a start: two commands to paste, all locations, how to stop.

    Args:
        run: arguments of a command that starts a run; empty where no pipeline is known.
        data: the data folder.
        kept: whether the data folder is kept.
        alone: whether it is the only running stack.
        service: whether the trigger service runs, with its logs and its runs.
        console: URL of the console; None where there is none.
        key: the key for the console; None where it needs none.
        windows: whether the shell is PowerShell.
    """
    yield ""
    yield "Ready. In another terminal, paste:"
    yield ""
    yield from env_line(None if alone else data, windows=windows, indent=2).splitlines()
    if run:
        yield f"  {' '.join((COMMAND, *run))}"
    yield ""
    if console is not None:
        yield f"See   {console}"
    if key is not None:
        yield f"      with the key {key}"
    yield f"Data  {data}"
    yield "      kept: keys, ports and runs" if kept else "      removed at the end; --data DIR keeps it"
    if service:
        yield f"Logs  {data / 'logs'}"
    yield "Ctrl+C stops it. Runs, as they end:" if service else "Ctrl+C stops it."
    yield ""


def env_line(data: Path | None = None, *, windows: bool = os.name == "nt", indent: int = 0) -> str:
    """The line that sets up a shell for the running stack, or for that of a data folder.

    A long line is continued with the shell's own continuation character, so that it can be pasted as one command.

    Args:
        data: the data folder; None for the only running stack.
        windows: whether the shell is PowerShell.
        indent: spaces before it.
    """
    chosen = [] if data is None else [f"--data {_quoted(str(data), windows=windows)}"]
    if windows:
        parts = [f"& {command()} env", *chosen, "--format powershell | Out-String | iex"]
    else:
        parts = [f'eval "$({command()} env', *chosen]
        parts[-1] += ')"'
    line = " " * indent + " ".join(parts)
    if len(line) <= WIDTH:
        return line
    return f" {'`' if windows else chr(92)}\n".join(
        " " * (indent + (2 if number else 0)) + part for number, part in enumerate(parts)
    )


def example(pipelines: Mapping[str, Mapping[str, Any]], *, failing: Collection[str] = ()) -> list[str]:
    """Arguments of a command that starts one of these pipelines.

    The first by name, preferably one that needs no parameters.

    Args:
        pipelines: their properties, by name.
        failing: pipelines that are used only if there is no other.
    """
    needs = {name: list(_required(properties)) for name, properties in pipelines.items()}
    if not needs:
        return []
    name = min(needs, key=lambda name: (name in failing, bool(needs[name]), name))
    words = [word for parameter in needs[name] for word in ("-p", _quoted(f"{parameter}=VALUE"))]
    return ["run", _quoted(name), *words, "--wait"]


def up_command() -> str:
    """The command that starts the stack from here: in a checkout, make, if it is installed."""
    if Path("Makefile").is_file() and Path("adf_trigger").is_dir() and shutil.which("make"):
        return "make up"
    return f"{command()} up"


def _required(properties: Mapping[str, Any]) -> Iterator[str]:
    for name, declared in (properties.get("parameters") or {}).items():
        if "defaultValue" not in declared:
            yield name


def _quoted(word: str, *, windows: bool = os.name == "nt") -> str:
    if not windows:
        return shlex.quote(word)
    plain = all(letter.isalnum() or letter in "-_./=:\\" for letter in word)
    return word if plain else "'{}'".format(word.replace("'", "''"))


def run_line(at: str, run: Mapping[str, Any]) -> tuple[str, str, str]:
    """The line for a run that has ended: the text before its status, the status, the text after it.

    Args:
        at: time of day.
        run: its view, as returned by the service.
    """
    pipeline, status = str(run.get("pipeline") or "-"), str(run.get("status"))
    took = run.get("durationMs")
    seconds = f"{took / 1000:.1f} s" if isinstance(took, int | float) else ""
    before = f"{at}  {shortened(pipeline, _LONGEST_PIPELINE)}  "
    after = f"  {seconds}".rstrip()
    room = WIDTH - len(before) - len(status) - len(after) - 2
    detail = str(run.get("reason") or run.get("requestId") or "")
    return before, status, f"{after}  {shortened(detail, room)}".rstrip() if room > 0 else after


def shortened(text: str, room: int) -> str:
    """A text on one line of at most `room` characters, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= room else f"{line[: max(0, room - 1)]}…"

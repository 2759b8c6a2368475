"""Documents whose commands tests run unchanged: blocks marked `<!-- run: KIND -->`.

Kinds: `bash`; `fails`, bash that ends with 1, as the run of its command does; `python`, a script; `az`, bash that needs
the Azure CLI; `signedin`, the same with a signed-in Azure CLI; `identity`, a script that finds an identity in its
environment; `serve`, bash that runs until it is stopped; `teardown`, bash that needs azd and the Azure CLI; `pytest`, a
file of tests.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]

_LANGUAGES = "(?:bash|python|powershell|csharp)"
_BLOCK = re.compile(rf"^<!-- run: (\w+) -->\n```{_LANGUAGES}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(rf"^```{_LANGUAGES}$", re.MULTILINE)
_SHELL = ("bash", "-euo", "pipefail", "-c")
_LIMIT_SECONDS = 60


class Block(NamedTuple):
    """A marked block."""

    kind: str
    code: str


def marked_blocks(text: str) -> list[Block]:
    """The marked blocks of a text, in order."""
    return [Block(*found) for found in _BLOCK.findall(text)]


def count_of_blocks(text: str) -> int:
    """The number of blocks of commands, marked or not."""
    return len(_FENCE.findall(text))


def section(text: str, heading: str) -> str:
    """The content under a heading (given with its `#`s), up to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table_rows(text: str) -> list[list[str]]:
    """The cells of all tables of a text, without their heads."""
    rows = [
        re.split(r" ?\| ?", line.strip()[1:-1].strip())
        for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    rules = [number for number, row in enumerate(rows) if set("".join(row)) <= set("-")]
    heads = {number - 1 for number in rules}
    return [row for number, row in enumerate(rows) if number not in {*rules, *heads}]


def environment(**variables: str) -> dict[str, str]:
    """The environment of this process, in which `python` is this one and finds this project from any folder."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        **variables,
    }


def run(
    kind: str, code: str, *, folder: Path = ROOT, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a block to its end, and return its result. A shell stops at the first command that fails."""
    command = [sys.executable, "-c"] if kind == "python" else _SHELL
    return subprocess.run(
        [*command, code],
        cwd=folder,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )


def output_of(kind: str, code: str, *, folder: Path) -> str:
    """The output of a block that must succeed."""
    done = run(kind, code, folder=folder)
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def serving(code: str, *, folder: Path, facts: str) -> Iterator[dict[str, Any]]:
    """Run a `serve` block meanwhile; gives what it writes to the file `facts` when it is ready: a line of JSON."""
    file = folder / facts
    with subprocess.Popen([*_SHELL, code], cwd=folder, env=environment(), start_new_session=True) as process:
        try:
            deadline = time.monotonic() + _LIMIT_SECONDS
            while not (file.is_file() and file.read_text("utf-8").endswith("\n")):
                assert process.poll() is None, "it has ended"
                assert time.monotonic() < deadline, "it is not ready in time"
                time.sleep(0.05)
            yield json.loads(file.read_text("utf-8"))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)

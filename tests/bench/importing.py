"""What importing the app costs beside what its third-party imports cost alone: a part of every cold start."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.bench.figures import BenchFailed, Figure

ROOT = Path(__file__).parents[2]
TIMES = 9
"""Processes of each kind for one repeat, one after the other in turn; the fastest of each counts: what is slower was
disturbed."""

_TIMED = "import time; begun = time.process_time(); {work}; print(time.process_time() - begun)"
_APP = "import function_app"
_LIST = (
    "import function_app, sys; "
    "print(*(name for name in sys.modules if name.partition('.')[0] not in ('adf_trigger', 'function_app')))"
)
_THIRD_PARTY = "[__import__(name) for name in {names!r}]"


def measure(repeats: int, *, times: int = TIMES) -> list[Figure]:
    """Import both in processes of their own, with bytecode that is there already."""
    names = [name for name in _run(_LIST).split() if _can_be_imported(name)]
    ours, others = [], []
    for _ in range(repeats):
        pairs = [(_seconds(_APP), _seconds(_THIRD_PARTY.format(names=names))) for _ in range(times)]
        ours.append(min(app for app, _ in pairs))
        others.append(min(alone for _, alone in pairs))
    return [
        Figure(name="processor time of importing the app", unit="ms", values=[1000 * it for it in ours]),
        Figure(name="  of its third-party imports alone", unit="ms", values=[1000 * it for it in others]),
        Figure(
            name="  the app's, times theirs",
            unit="times",
            values=[app / alone for app, alone in zip(ours, others, strict=True)],
            below=1.25,
        ),
    ]


def _can_be_imported(name: str) -> bool:
    """Whether a plain import finds it: parts of packages may be listed under names of their own."""
    try:
        return not name.startswith("__") and find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _seconds(work: str) -> float:
    return float(_run(_TIMED.format(work=work)))


def _run(code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(f"the app could not be imported: {done.stderr[-2_000:]}")
    return done.stdout

"""The real app, with steps that end the process at a named point: what a power cut there would do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adf_trigger.functions.app import create_app

KILLED = 137
PLAN = Path(os.environ["CRASH_PLAN"])
HIT = Path(os.environ["CRASH_HITS"])


@contextmanager
def crashing_steps(name: str) -> Iterator[None]:
    """Note that a step was reached, and end the process before or after its effect if that is the plan."""
    with HIT.open("a") as hits:
        hits.write(f"{name}\n")
    _end_if_planned(f"before {name}")
    yield
    _end_if_planned(f"after {name}")


def _end_if_planned(point: str) -> None:
    try:
        planned = PLAN.read_text()
    except FileNotFoundError:
        return
    if planned == point:
        PLAN.unlink()
        os._exit(KILLED)


app = create_app(steps=crashing_steps)

"""The figures of each bench that were kept last: benches are measured one by one, and shown together."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "bench.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The kept results of one bench.

    Attributes:
        figures: what was measured.
        at: when the measurement was begun that it was part of.
        commit: of the code.
        seconds: that the bench took.
        machine: what it was measured on, and how busy that was before.
    """

    figures: Sequence[Figure]
    at: datetime
    commit: str
    seconds: float
    machine: Mapping[str, Any]


def read(file: Path = FILE) -> dict[str, Kept]:
    """The kept results of each bench, by its name, in their order."""
    if not file.exists():
        return {}
    return {name: _kept(entry) for name, entry in json.loads(file.read_text()).items()}


def write(kept: Mapping[str, Kept], file: Path = FILE) -> None:
    """Keep that, and nothing else."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({name: _entry(each) for name, each in kept.items()}, indent=1) + "\n")


def commit() -> str:
    """The commit that the tree stands at."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _entry(kept: Kept) -> dict[str, Any]:
    return {
        "at": kept.at.isoformat(timespec="seconds"),
        "commit": kept.commit,
        "seconds": round(kept.seconds),
        "machine": dict(kept.machine),
        "figures": [
            {
                "name": each.name,
                "unit": each.unit,
                "values": [float(f"{value:.5g}") for value in each.values],
                "atLeast": each.at_least,
                "below": each.below,
            }
            for each in kept.figures
        ],
    }


def _kept(entry: Mapping[str, Any]) -> Kept:
    return Kept(
        at=datetime.fromisoformat(entry["at"]),
        commit=entry["commit"],
        seconds=entry["seconds"],
        machine=entry["machine"],
        figures=[
            Figure(
                name=each["name"],
                unit=each["unit"],
                values=each["values"],
                at_least=each["atLeast"],
                below=each["below"],
            )
            for each in entry["figures"]
        ],
    )

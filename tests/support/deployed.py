"""Python as in a deployed app: the packages of its requirements, and no others of this environment."""

import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ISOLATED = (sys.executable, "-I", "-S", "-B")
"""An interpreter with its standard library alone: no site-packages, no PYTHONPATH, no working directory."""


def requirements_of(file: Path) -> list[Requirement]:
    """The pins of a lock that apply to this Python."""
    lines = file.read_text("utf-8").splitlines()
    found = [Requirement(line.removesuffix("\\")) for line in lines if not line.startswith((" ", "#"))]
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """The names of the distributions that these need, directly or not."""
    wanted = [(each.name, frozenset(each.extras)) for each in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        name, extras = wanted.pop()
        if (canonicalize_name(name), extras) in seen:
            continue
        seen.add((canonicalize_name(name), extras))
        wanted += [
            (needed.name, frozenset(needed.extras))
            for needed in map(Requirement, distribution(name).requires or [])
            if needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in ("", *extras))
        ]
    return {name for name, _ in seen}


def link_packages(names: Iterable[str], folder: Path) -> Path:
    """Make a folder with the installed files of these distributions, by links; returns it."""
    for name in names:
        found = distribution(name)
        for file in found.files or []:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            link = folder / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(found.locate_file(file))))
    return folder

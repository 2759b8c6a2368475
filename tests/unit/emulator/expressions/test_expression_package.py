"""The package as a whole: its dependencies, and the texts of its table."""

import ast
from pathlib import Path

import pytest

import adf_trigger.emulator.expressions as package
from adf_trigger.emulator.expressions import TABLE

ROOT = Path(package.__file__).parent
ALLOWED = (package.__name__, "adf_trigger.emulator.common.clock")


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_package_stands_alone(path: Path) -> None:
    """Of the rest of the project it imports nothing but the clock."""
    imported = [
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]

    assert [
        name for name in imported if name.startswith("adf_trigger") and not name.startswith(ALLOWED)
    ] == []


@pytest.mark.parametrize(
    ("name", "arity"), [("add", "2"), ("substring", "2 to 3"), ("concat", "at least 1"), ("item", "0")]
)
def test_the_table_describes_the_number_of_arguments(name: str, arity: str) -> None:
    """The documentation can print the text."""
    assert next(function.arity for function in TABLE if function.name == name) == arity

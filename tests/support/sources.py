"""The modules of the project as text: where they are, and what they import."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "adf_trigger"


def modules(room: Path) -> Iterator[Path]:
    """The modules below a folder, or a module itself."""
    return iter(sorted(room.rglob("*.py")) if room.is_dir() else [room])


def imports_of(module: Path) -> set[str]:
    """The full names of the modules that a module imports, wherever in its text."""
    tree = ast.parse(module.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} imports by a relative name"
            assert node.level == 0, f"{module} imports by a relative name"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def name_of(module: Path) -> str:
    """The name that a module is imported by."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

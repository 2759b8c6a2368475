"""The modules of the project as text: their places, and their imports."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "adf_trigger"


@cache
def modules(room: Path) -> tuple[Path, ...]:
    """The modules below a folder, or a module itself."""
    return tuple(sorted(room.rglob("*.py"))) if room.is_dir() else (room,)


@cache
def parsed(module: Path) -> ast.Module:
    """A module's syntax tree. It is cached, as many tests read the same ones."""
    return ast.parse(module.read_text("utf-8"))


@cache
def imports_of(module: Path) -> frozenset[str]:
    """The full names of the modules that a module imports, anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} imports by a relative name"
            assert node.level == 0, f"{module} imports by a relative name"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def name_of(module: Path) -> str:
    """The name by which a module is imported."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

"""Neither modules nor folders import in a circle."""

import ast
import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.sources import PACKAGE, ROOT, imports_of, modules, name_of, parsed


def run_at_import(statements: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that importing a module runs: none in functions, none for type checkers alone."""
    for statement in statements:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield statement
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from run_at_import(statement.orelse)
            case ast.If() | ast.Try() | ast.With():
                inner = ast.iter_child_nodes(statement)
                yield from run_at_import(each for each in inner if isinstance(each, ast.stmt))
            case _:
                pass


def runs_first(module: Path, known: set[str]) -> set[str]:
    """The modules of the package that importing a module runs, with the packages that they are in."""
    own = name_of(module)
    found: set[str] = set()
    for statement in run_at_import(parsed(module).body):
        if isinstance(statement, ast.ImportFrom):
            assert statement.module
            found |= {statement.module, *(f"{statement.module}.{each.name}" for each in statement.names)}
        else:
            found |= {each.name for each in statement.names}
    around = {name[: end.start()] for name in found for end in re.finditer(r"\.", name)}
    return {name for name in found | around if name in known and not f"{own}.".startswith(f"{name}.")}


def room_of(module: Path) -> str:
    """Where a module lives: its folder. What `python -m` runs stands above its folder, and is a room of its own."""
    folder = str(module.parent.relative_to(ROOT))
    return str(module.relative_to(ROOT)) if module.name == "__main__.py" else folder


def graph_of_imports(rooms: dict[str, str]) -> dict[str, set[str]]:
    """What each room imports of the others, wherever in its text: in functions, and for type checkers alone, too.

    Args:
        rooms: module → the room that it counts for.
    """
    graph: dict[str, set[str]] = {room: set() for room in rooms.values()}
    for module in modules(PACKAGE):
        own = rooms[name_of(module)]
        graph[own] |= {rooms[name] for name in modules_of(imports_of(module), set(rooms))} - {own}
    return graph


def modules_of(names: frozenset[str], known: set[str]) -> set[str]:
    """The modules among imported names: of `from package import name` the package only where name is none."""
    longer = {name.rpartition(".")[0] for name in names if name in known}
    return {name for name in names if name in known and (name not in longer or _says_something(name))}


def _says_something(name: str) -> bool:
    package = ROOT / name.replace(".", "/") / "__init__.py"
    statements = parsed(package).body if package.exists() else []
    return any(not isinstance(each, ast.Expr) for each in statements)


def circle_of(graph: dict[str, set[str]]) -> str:
    """A circle in words; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        return " -> ".join(reversed(exc.args[1]))
    return ""


def test_no_folder_imports_in_a_circle() -> None:
    """Folders have an order, one inside another, too: of two, only one imports the other, by whatever way."""
    assert circle_of(graph_of_imports({name_of(each): room_of(each) for each in modules(PACKAGE)})) == ""


def test_no_module_imports_in_a_circle() -> None:
    """Nor do two modules know each other by an import in a function, or for type checkers alone."""
    assert circle_of(graph_of_imports({name_of(each): name_of(each) for each in modules(PACKAGE)})) == ""


def test_every_module_can_be_imported_first() -> None:
    """No circle of imports, so that the order in which modules are imported never matters."""
    paths = {name_of(module): module for module in modules(PACKAGE)}
    graph = {name: runs_first(module, set(paths)) for name, module in paths.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        pytest.fail(" -> ".join(reversed(exc.args[1])))

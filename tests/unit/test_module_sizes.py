"""A module has one subject, and a package none of its own."""

import ast

from tests.support.sources import PACKAGE, ROOT, modules

MAX_LINES = 400


def test_no_module_is_over_400_lines() -> None:
    """What is longer has more than one subject; tests, too."""
    found = [*modules(PACKAGE), *modules(ROOT / "tests")]
    lengths = {str(each.relative_to(ROOT)): each.read_text("utf-8").count("\n") for each in found}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_packages_only_export() -> None:
    """An `__init__` has a docstring, imports, `__all__` and the version: what does anything is in a module."""
    found = [
        f"{module.relative_to(ROOT)}: line {statement.lineno}"
        for module in sorted(PACKAGE.rglob("__init__.py"))
        for statement in ast.parse(module.read_text("utf-8")).body
        if not only_exports(statement)
    ]
    assert found == []


def only_exports(statement: ast.stmt) -> bool:
    """Whether a statement names what a package exports, and does nothing else."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__version__")]):
            return True
        case _:
            return False

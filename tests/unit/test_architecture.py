"""The arrows between the rooms run one way."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def offenders(room: str, *forbidden: str) -> list[str]:
    """Imports below a room that it may not have."""
    return [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(PACKAGE / room)
        for name in sorted(imports_of(module))
        if any(name == each or name.startswith(f"{each}.") for each in forbidden)
    ]


DEPLOYED = [
    each.name for each in sorted(PACKAGE.iterdir()) if each.name not in ("local", "__pycache__", "py.typed")
]
OUTER = ("adf_trigger.service", "adf_trigger.functions", "azure.functions")


@pytest.mark.parametrize("room", DEPLOYED)
def test_deployed_code_never_imports_the_laptop(room: str) -> None:
    """What is deployed does not know adf_trigger.local."""
    assert offenders(room, "adf_trigger.local") == []


@pytest.mark.parametrize("room", ["local/factory", "local/identity", "local/azurite", "local/host"])
def test_the_emulators_are_written_apart_from_the_service(room: str) -> None:
    """They share no code with the client, so that they cannot share a mistake."""
    deployed = [
        f"adf_trigger.{name.removesuffix('.py')}"
        for name in DEPLOYED
        if name not in ("clock.py", "__init__.py")
    ]
    assert offenders(room, *deployed) == []


@pytest.mark.parametrize(
    "room", ["datafactory", "ledger", "events.py", "contracts.py", "errors.py", "settings.py"]
)
def test_inner_rooms_know_nothing_of_the_outer_ones(room: str) -> None:
    """Clients, ledger and contracts know neither use cases nor functions."""
    assert offenders(room, *OUTER) == []


def test_use_cases_know_no_http_and_no_host() -> None:
    """The service speaks through its ports."""
    assert offenders("service", "adf_trigger.functions", "azure", "requests", "http") == []


def test_the_engine_has_no_http_server_in_it() -> None:
    """Pipelines run without the management API."""
    forbidden = (
        "starlette",
        "uvicorn",
        "adf_trigger.local.factory.handlers",
        "adf_trigger.local.factory.store",
    )
    assert offenders("local/factory/engine", *forbidden) == []


def test_the_environment_is_read_in_one_place() -> None:
    """Deployed code reads os.environ in settings.py alone."""
    readers = [
        str(module.relative_to(ROOT))
        for room in DEPLOYED
        for module in modules(PACKAGE / room)
        if re.search(r"os\.environ|getenv|import environ", module.read_text())
    ]
    assert readers == ["adf_trigger/settings.py"]

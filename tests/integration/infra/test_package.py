"""The package of a deployment: the app, and nothing else of a working copy."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.packing import packed_by_azd, packed_by_func, zipped

ROOT = Path(__file__).parents[3]
NEVER_DEPLOYED = ("__main__.py", "client", "emulator", "functions_host", "local")
TOOLS = {"azd": packed_by_azd, "func": packed_by_func}
DIRT = (
    ".DS_Store",
    ".azure/production/.env",
    ".coverage",
    ".env",
    ".env.local",
    ".factory/factory.db",
    ".git/HEAD",
    ".hypothesis/examples/x",
    ".idea/workspace.xml",
    ".local/stack/azurite.log",
    ".mypy_cache/3.11/x.json",
    ".pypirc",
    ".pytest_cache/README.md",
    ".python-version",
    ".ruff_cache/x",
    ".venv/lib/python3.12/site-packages/x.py",
    ".venv/pyvenv.cfg",
    ".vscode/settings.json",
    "__azurite_db_queue__.json",
    "__blobstorage__/x",
    "__pycache__/function_app.cpython-312.pyc",
    "adf_trigger.egg-info/PKG-INFO",
    "adf_trigger/.DS_Store",
    "adf_trigger/.env",
    "adf_trigger/__pycache__/settings.cpython-312.pyc",
    "adf_trigger/service/timer/__pycache__/tick.cpython-312.pyc",
    "adf_trigger/service/timer/tick.py.orig",
    "adf_trigger/settings.py.rej",
    "bench-results/x.json",
    "build/lib/adf_trigger/settings.py",
    "checkout_env/pyvenv.cfg",
    "dist/adf_trigger-0.1.0-py3-none-any.whl",
    "env/pyvenv.cfg",
    "error.log",
    "export.csv",
    "factory.json",
    "htmlcov/index.html",
    "key.pem",
    "local.settings.json",
    "node_modules/azurite/package.json",
    "package.zip",
    "venv/lib/python3.12/site-packages/x.py",
    "venv/pyvenv.cfg",
)
"""Files that every tool leaves out, by name or by pattern."""
STRANGE_DIRT = (
    ".netrc",
    ".terraform/terraform.tfstate",
    "Untitled.ipynb",
    "archive/orders.parquet",
    "dump.sql",
    "exports/orders.json",
    "forgotten.txt",
    "history.txt",
    "notes.txt",
    "runs.json",
    "secrets.yaml",
)
"""Files that azd leaves out, since the app does not need them."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clean working copy."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "adf_trigger", folder / "adf_trigger", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "infra", folder / "infra")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").touch()
    files = [
        "*.py",
        "*.txt",
        "*.json",
        "*.in",
        "*.md",
        "*.toml",
        "*.yaml",
        "*.template",
        "Makefile",
        "LICENSE",
        ".funcignore",
    ]
    for path in (path for pattern in files for path in ROOT.glob(pattern)):
        shutil.copy(path, folder)
    for name in ("factory.json", "local.settings.json"):
        (folder / name).unlink(missing_ok=True)
    return folder


def dirtied(tree: Path, dirt: tuple[str, ...]) -> None:
    """Leave files as people and tools do."""
    for name in dirt:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("AZURE_CLIENT_SECRET=secret")


def test_the_package_is_the_app_and_nothing_else(tree: Path) -> None:
    """Both tools pack what the app runs, and no more."""
    rooms = (
        path.relative_to(tree)
        for path in (tree / "adf_trigger").rglob("*")
        if path.is_file() and path.suffix != ".md"
    )
    app = {path.as_posix() for path in rooms if path.parts[1] not in NEVER_DEPLOYED}
    app = {
        path for path in app if not path.startswith("adf_trigger/console/factory/")
    }  # for the local stack alone
    expected = app | {"function_app.py", "host.json", "requirements.txt"}
    assert "adf_trigger/functions/app.py" in expected
    assert packed_by_azd(tree) == expected
    assert packed_by_func(tree) == expected


@pytest.mark.parametrize("packed", TOOLS.values(), ids=TOOLS)
def test_a_dirtied_tree_gives_the_same_zip(
    packed: Callable[[Path], set[str]], tree: Path, tmp_path: Path
) -> None:
    """Environments, secrets, caches, exports and build results change not a byte of what is deployed."""
    paths = packed(tree)
    clean = zipped(tree, paths, tmp_path / "clean.zip")
    dirtied(tree, DIRT)
    assert packed(tree) == paths
    assert zipped(tree, packed(tree), tmp_path / "dirtied.zip") == clean


def test_azd_packs_no_unknown_files(tree: Path) -> None:
    """Other files in the root are not packed."""
    clean = packed_by_azd(tree)
    dirtied(tree, STRANGE_DIRT)
    assert packed_by_azd(tree) == clean


@pytest.mark.parametrize("packed", TOOLS.values(), ids=TOOLS)
def test_packages_built_here_are_packed(packed: Callable[[Path], set[str]], tree: Path) -> None:
    """With the remote build switched off, its packages are packed too."""
    built = ".python_packages/lib/site-packages/requests/__init__.py"
    dirtied(tree, (built,))
    assert built in packed(tree)


def test_every_tool_reads_the_ignore_file_alike() -> None:
    """No line is one that the tools read differently in a way that matters."""
    lines = [line for line in (ROOT / ".funcignore").read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if line.startswith("!")] == []
    assert [line for line in lines if not re.match(r"/|\*\*/|[^/]+/?$", line)] == []
    ours = [line for line in lines if line.startswith("/adf_trigger/")]
    assert [line for line in ours if not line.endswith(("/", ".py"))] == []

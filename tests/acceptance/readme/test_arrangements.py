"""The page of arrangements, run as it stands."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import ROOT, environment, marked_blocks, run, serving
from tests.support.warm import write_script

BLOCKS = marked_blocks((ROOT / "docs" / "arrangements.md").read_text("utf-8"))
SETUP, SERVE, TERMINAL, *REST = BLOCKS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Iterator[Path]:
    """A folder with what the page writes first, and the command on PATH; its stack is the only one that is found."""
    folder, state = tmp_path_factory.mktemp("arrangements"), tmp_path_factory.mktemp("state")
    state.chmod(0o700)
    script = tmp_path_factory.mktemp("bin") / "adf-trigger"
    write_script(script, warm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(state))
        patch.setenv("PATH", f"{script.parent}:{environment()['PATH']}")
        done = run(SETUP.kind, SETUP.code, folder=folder)
        assert done.returncode == 0, done.stderr
        yield folder


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[dict[str, Any]]:
    """The stack that the page starts."""
    with serving(SERVE.code, folder=folder, facts="stack.json") as facts:
        yield facts


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
@pytest.mark.timeout(300)
def test_the_page_works_in_order(stack: dict[str, Any], folder: Path) -> None:
    """Copied and pasted one after the other, each block does what the text says."""
    assert [block.kind for block in BLOCKS] == [
        "bash",
        "serve",
        *["bash", "bash", "python", "bash", "bash", "python"],
    ]
    variables = {"AZURE_STORAGE_CONNECTION_STRING": stack["storage_connection_string"]}
    said = []
    for kind, code in (TERMINAL, *REST):
        # One terminal: what its first block sets, the others have.
        whole = code if kind == "python" or code == TERMINAL.code else f"{TERMINAL.code}\n{code}"
        done = run(kind, whole, folder=folder, variables=variables)
        assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    terminal, arrived, event, waited, _, finance = said
    assert "LoadOrders" in terminal
    assert "OnOrders would start LoadOrders as event-" in arrived
    assert [each in arrived for each in ('"claimed": 1', '"repeated": 1')] == [True] * 2
    assert event == "LoadOrders Succeeded {'loaded': '2026-11-26.csv'}\n"
    assert "Nightly nightly-1" in waited
    assert "-LoadOrders\tLoadOrders" in waited
    lines = finance.splitlines()
    assert {line.partition(" ")[0] for line in lines} == {"LoadOrders"}
    assert [line.rpartition(" ")[2] for line in lines] == [
        "'2026-11-26.csv'}",
        "'nightly.csv'}",
        "'by-hand.csv'}",
    ]

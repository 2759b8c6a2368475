"""The commands of the README, run as they stand."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.documents import ROOT, environment, marked_blocks, run
from tests.support.local_stack import LocalStack
from tests.support.warm import write_script

ELSEWHERE = ("serve", "identity", "signedin", "teardown")
"""Kinds of blocks that other tests run."""
BLOCKS = [
    block for block in marked_blocks((ROOT / "README.md").read_text("utf-8")) if block.kind not in ELSEWHERE
]


def declared() -> str:
    """The triggers that a block declares."""
    (code,) = (block.code for block in BLOCKS if "triggers.json <<" in block.code)
    return code.partition("<<'JSON'\n")[2].partition("\nJSON\n")[0]


@pytest.fixture(scope="module")
def stack(warm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The only stack that the command finds, with the quickstarts in its factory; its timer fires by itself."""
    state = tmp_path_factory.mktemp("state")
    state.chmod(0o700)
    with (
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as running_stack,
    ):
        patch.setenv("XDG_RUNTIME_DIR", str(state))
        running = running_stack.enter_context(
            LocalStack(
                poll_schedule="*/1 * * * * *", settings={"ADF_TRIGGER_TRIGGERS": declared()}, warm=warm
            )
        )
        for _ in running.quickstart.provision():
            pass
        running.quickstart.upload()
        yield running


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Path:
    """A folder with the command where `make setup` puts it, in a second terminal."""
    folder = tmp_path_factory.mktemp("checkout")
    script = folder / ".venv" / "bin" / "adf-trigger"
    script.parent.mkdir(parents=True)
    write_script(script, warm)
    return folder


def run_on(stack: LocalStack, checkout: Path, kind: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run a block with the environment that the README asks for, after those lines of it that make one."""
    endpoints = stack.endpoints
    variables = {
        "FUNCTIONS_URL": endpoints.functions_url,
        "FUNCTIONS_KEY": endpoints.functions_key,
        "AZURE_STORAGE_CONNECTION_STRING": endpoints.storage_connection_string,
        "ADF_TRIGGER_URL": endpoints.functions_url,
        "ADF_TRIGGER_KEY": endpoints.functions_key,
        "PATH": f"{checkout / '.venv' / 'bin'}:{environment()['PATH']}",
    }
    return run(kind, code, folder=checkout, variables=variables)


def test_there_are_commands() -> None:
    """The README is read as it is written: six ways in and out, what can be seen, a deployment, and the replay."""
    command, http = ["bash", "fails", "python"], ["bash", "bash", "az", "bash"]
    queues = ["az", "python", "bash", "python", "az"]
    assert [kind for kind, _ in BLOCKS] == [*command, *http, *queues, "bash", "bash"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_the_readmes_commands_work_in_order(stack: LocalStack, checkout: Path) -> None:
    """Copied and pasted one after the other, each command does what the text says, the one that fails too."""
    said = []
    for kind, code in BLOCKS:
        if kind != "az":
            done = run_on(stack, checkout, "bash" if kind == "fails" else kind, code)
            assert done.returncode == (1 if kind == "fails" else 0), f"{code}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
    command, failed, client, first, again, seen, _, arrived, taken, held, _ = said
    assert "✓ Succeeded after" in command
    assert "-p strParamInputFileName=" in command.replace("\t", "")
    assert (
        "CopyFromBlobToBlob (Copy)  2200  UserErrorSourceBlobNotExist\n  The required Blob is missing."
        in failed
    )
    assert client == "Succeeded\n"
    assert '"requestId":"orders-2026-11-22"' in first
    assert '"requestId":"orders-2026-11-22"' in again
    assert [f'"{each}": [' in seen for each in ("runs", "activities", "pipelines")] == [True] * 3
    assert '"name": "Adfv2QuickStartParamPipeline"' in seen
    assert "OnFile would start Adfv2QuickStartParamPipeline as event-" in arrived
    assert [each in arrived for each in ('"claimed": 1', '"repeated": 1')] == [True] * 2
    key = arrived.partition(" as ")[2].split()[0]
    stack.eventually(lambda: stack.status(key) == "Succeeded", ticking=False)
    assert "dev.adf-trigger.run.succeeded Succeeded None" in taken
    assert "default has no holds." in held
    assert "✓ Succeeded after" in held
    stack.eventually(lambda: stack.status("nightly-from-python") == "Succeeded", ticking=False)


@pytest.mark.skipif(shutil.which("az") is None, reason="the Azure CLI is not installed here")
def test_the_readmes_azure_cli_commands_work(stack: LocalStack, checkout: Path) -> None:
    """az starts a run by HTTP and by a message, and reads events."""
    rest, put, peek = (code for kind, code in BLOCKS if kind == "az")
    done = run_on(stack, checkout, "bash", rest)
    assert done.returncode == 0, done.stderr
    stack.eventually(lambda: stack.status("orders-by-az") == "Succeeded", ticking=False)
    done = run_on(stack, checkout, "bash", put)
    assert done.returncode == 0, done.stderr
    stack.eventually(lambda: stack.status("nightly-2026-11-22") == "Succeeded", ticking=False)
    done = run_on(stack, checkout, "bash", peek)
    assert done.returncode == 0, done.stderr
    assert '"specversion":"1.0"' in done.stdout

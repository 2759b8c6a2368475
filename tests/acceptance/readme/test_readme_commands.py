"""The commands of the README, run as they stand."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.documents import ROOT, marked_blocks, run
from tests.support.local_stack import LocalStack

ELSEWHERE = ("serve", "identity", "signedin", "teardown")
"""Kinds of blocks that other tests run."""
BLOCKS = [
    block for block in marked_blocks((ROOT / "README.md").read_text("utf-8")) if block.kind not in ELSEWHERE
]


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack with the quickstarts in its factory, whose timer fires by itself."""
    with LocalStack(poll_schedule="*/1 * * * * *", warm=warm) as running:
        for _ in running.quickstart.provision():
            pass
        running.quickstart.upload()
        yield running


def run_on(stack: LocalStack, kind: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run a block with the environment that the README asks for."""
    endpoints = stack.endpoints
    variables = {
        "FUNCTIONS_URL": endpoints.functions_url,
        "FUNCTIONS_KEY": endpoints.functions_key,
        "AZURE_STORAGE_CONNECTION_STRING": endpoints.storage_connection_string,
    }
    return run(kind, code, variables=variables)


def test_there_are_commands() -> None:
    """The README is read as it is written: four ways in and out, what can be seen, and the replay."""
    assert [kind for kind, _ in BLOCKS] == ["bash", "bash", "bash", "az", "python", "python", "az", "bash"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_the_readmes_commands_work_in_order(stack: LocalStack) -> None:
    """Copied and pasted one after the other, each command succeeds and does what the text says."""
    said = []
    for kind, code in BLOCKS:
        if kind != "az":
            done = run_on(stack, kind, code)
            assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
    first, again, seen, _, event, _ = said
    assert '"requestId":"orders-2026-11-22"' in first
    assert '"requestId":"orders-2026-11-22"' in again
    assert [f'"{each}": [' in seen for each in ("runs", "activities", "pipelines")] == [True] * 3
    assert '"name": "Adfv2QuickStartParamPipeline"' in seen
    assert "dev.adf-trigger.run.succeeded" in event
    stack.eventually(lambda: stack.status("nightly-from-python") == "Succeeded", ticking=False)


@pytest.mark.skipif(shutil.which("az") is None, reason="the Azure CLI is not installed here")
def test_the_readmes_azure_cli_commands_work(stack: LocalStack) -> None:
    """The message that az puts starts a run, and az reads events."""
    put, peek = (code for kind, code in BLOCKS if kind == "az")
    done = run_on(stack, "bash", put)
    assert done.returncode == 0, done.stderr
    stack.eventually(lambda: stack.status("nightly-2026-11-22") == "Succeeded", ticking=False)
    done = run_on(stack, "bash", peek)
    assert done.returncode == 0, done.stderr
    assert '"specversion":"1.0"' in done.stdout

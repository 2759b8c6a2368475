"""What the README says about the local Data Factory, run as it stands."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECTION = (ROOT / "README.md").read_text("utf-8").split("\n## The local Data Factory\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```(?:bash|python)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


def wait_for(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_the_readmes_commands_serve_a_factory(tmp_path: Path) -> None:
    """import and factory serve a repository's folder, curl scripts a fault, and the SDK lists the pipelines."""
    folder = tmp_path / "path" / "to" / "repository" / "pipeline"
    folder.mkdir(parents=True)
    (folder / "Nightly.json").write_text(json.dumps({"name": "Nightly", "properties": {"activities": []}}))
    serve, control, sdk = BLOCKS
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    facts = tmp_path / "factory.json"
    served = ["bash", "-eo", "pipefail", "-c", serve]
    with subprocess.Popen(served, cwd=tmp_path, env=environment, start_new_session=True) as process:
        try:
            wait_for(lambda: facts.is_file() and facts.read_text().endswith("\n"))
            environment["CONTROL_URL"] = json.loads(facts.read_text())["control_url"]
            (rule,) = json.loads(run("bash", "-euc", control))
            assert (rule["operation"], rule["fault"], rule["fired"]) == ("CreateRun", "status", 0)
            assert run(sys.executable, "-c", sdk).strip() == "['Nightly']"
        finally:
            os.killpg(process.pid, signal.SIGTERM)

"""Code for a user's machine works without what Windows and macOS lack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHER_SYSTEM = ROOT / "tests" / "support" / "other_system"

EVERYTHING = """
import importlib, pkgutil
import adf_trigger
import function_app
names = [module.name for module in pkgutil.walk_packages(adf_trigger.__path__, "adf_trigger.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    """Python code, run without what Windows lacks."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(OTHER_SYSTEM)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "from os import killpg",
        "import os; os.fork",
        "import signal; signal.SIGHUP",
        "from signal import SIGKILL",
        "import os; assert hasattr(os, 'getuid')",
        "import asyncio; asyncio.new_event_loop().add_signal_handler(15, print)",
    ],
)
def test_the_simulated_system_lacks_them(code: str) -> None:
    """Otherwise the next test could not fail."""
    assert run(code).returncode == 1


def test_every_module_can_be_imported() -> None:
    """Deployed or not: no module imports a POSIX module or name without checking for it."""
    done = run(EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 300

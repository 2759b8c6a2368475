"""The local stack runs from an installed package, outside of any checkout."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import psutil
import pytest
import requests

from adf_trigger.local.azurite import install
from tests.acceptance.stack.up_process import PATIENT_SECONDS, ROOT

SOURCE = (
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "function_app.py",
    "host.json",
    "pyproject.toml",
    "requirements-client.in",
    "requirements-local.in",
    "requirements.in",
    "setup.py",
)
"""What a build needs beside the package."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the tree."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(
        ROOT / "adf_trigger", folder / "adf_trigger", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in SOURCE:
        shutil.copy(ROOT / name, folder)
    command = [
        sys.executable,
        *("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"),
        *("--wheel-dir", str(folder / "dist"), "."),
    ]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170, check=False)
    assert built.returncode == 0, built.stderr
    (found,) = (folder / "dist").glob("*.whl")
    return found


def environment(folder: Path, wheel: Path, *, extra: bool) -> Path:
    """A virtual environment with the wheel; with the extra's packages, which are those of this one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"),
            *("--no-index", str(wheel)),
        ],
        check=True,
        timeout=170,
    )
    if extra:
        (packages,) = folder.glob("lib/*/site-packages")
        (packages / "extra.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (folder / "share").mkdir()
        (folder / "share" / "adf-trigger").symlink_to(install().parents[4].parent)
    return python


def outside() -> dict[str, str]:
    """An environment in which nothing leads to the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_up_runs_from_an_installed_package(wheel: Path, tmp_path: Path) -> None:
    """With the function app that the wheel has; it serves, and ends."""
    python = environment(tmp_path / "venv", wheel, extra=True)
    command = [str(python.with_name("adf-trigger")), "up", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=outside(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout is not None
        assert up.stderr is not None
        line = up.stdout.readline()
        assert line, up.stderr.read()
        endpoints = json.loads(line)
        words = psutil.Process(endpoints["pids"]["functions"]).cmdline()
        app = Path(words[words.index("--app") + 1])
        reply = requests.get(
            f"{endpoints['functions_url']}/api/runs/none",
            headers={"x-functions-key": endpoints["functions_key"]},
            timeout=60,
        )
        page = requests.get(f"{endpoints['functions_url']}/api/console", timeout=60)
        browser = {"Accept": "text/html"}
        factory = requests.get(f"{endpoints['management_url']}/", headers=browser, timeout=60)
        up.send_signal(signal.SIGTERM)
        assert up.wait(PATIENT_SECONDS) == 0
    assert "<title>" in factory.text
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert app.is_relative_to(tmp_path / "venv")
    assert sorted(path.name for path in app.glob("*.*")) == ["function_app.py", "host.json"]
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_without_the_extra_the_command_says_how_to_get_it(wheel: Path, tmp_path: Path) -> None:
    """No traceback: what is missing, and what installs it."""
    python = environment(tmp_path / "venv", wheel, extra=False)
    done = subprocess.run(
        [python, "-m", "adf_trigger.local", "up"],
        cwd=tmp_path,
        env=outside(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "python -m pip install '.[local]'" in done.stderr

"""The CloudEvents SDK for JavaScript, on the Node that comes with the local stack."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from adf_trigger.local.azurite.install import default_root
from adf_trigger.local.processes.node import NODE, NPM

_SOURCES = Path(__file__).parent / "javascript"
_MANIFESTS = ("package.json", "package-lock.json")
_SCRIPT = "read.mjs"
_LIMIT_SECONDS = 300


def installed() -> Path:
    """The folder with the locked SDK; installed once, and the test is skipped where npm cannot."""
    content = b"".join((_SOURCES / name).read_bytes() for name in _MANIFESTS)
    root = default_root()
    folder = root / f"cloudevents-{hashlib.sha256(content).hexdigest()[:12]}"
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / "cloudevents.lock"):
        if not (folder / "node_modules" / "cloudevents").is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            unfinished = root / f"{folder.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for name in _MANIFESTS:
                shutil.copy(_SOURCES / name, unfinished)
            done = _run(
                [*NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], unfinished
            )
            if done.returncode != 0:
                pytest.skip(
                    f"npm cannot install the CloudEvents SDK here: {done.stdout[-300:]}{done.stderr[-300:]}"
                )
            unfinished.rename(folder)
    shutil.copy(_SOURCES / _SCRIPT, folder)
    return folder


def read_and_written(texts: Sequence[str]) -> list[str]:
    """Each event as the SDK writes it once it has read and validated it.

    Raises:
        AssertionError: it refuses one.
    """
    done = _run([NODE, _SCRIPT], installed(), json.dumps(texts))
    assert done.returncode == 0, done.stderr
    written: list[str] = json.loads(done.stdout)
    return written


def _run(command: Sequence[str], folder: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=_LIMIT_SECONDS,
        check=False,
    )

"""Installs Azurite into the virtual environment, once."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from adf_trigger.local.processes.node import NPM

_PACKAGE = Path(__file__).parent
_MANIFESTS = ("package.json", "package-lock.json")
_TIMEOUT_SECONDS = 600
_OUTPUT_LINES = 30


class AzuriteInstallError(Exception):
    """npm could not install Azurite. The text has the end of npm's output."""


def default_root() -> Path:
    """The folder of the local stack's tools: in the virtual environment, so that they are removed with it."""
    return Path(sys.prefix) / "share" / "adf-trigger"


def install(root: Path | None = None, manifests: Path = _PACKAGE) -> Path:
    """Install the pinned Azurite unless it is installed; return the path of its script.

    Safe to call from several processes concurrently: one installs, the others wait for it. The folder gets its
    name only when it is complete, so that a killed installation is never mistaken for a finished one; a folder
    whose script is missing is installed again.

    Args:
        root: folder to install under; default: `default_root()`.
        manifests: folder of the package.json and package-lock.json that pin it.

    Raises:
        AzuriteInstallError: npm failed.
    """
    root = root or default_root()
    folder = root / _folder_name(manifests)
    script = folder / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    if script.is_file():
        return script
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / "azurite.lock"):
        if not script.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            unfinished = root / f"{folder.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            _npm_ci(unfinished, manifests)
            unfinished.rename(folder)
    return script


def _folder_name(manifests: Path) -> str:
    contents = [(manifests / name).read_bytes() for name in _MANIFESTS]
    version = json.loads(contents[0])["dependencies"]["azurite"]
    return f"azurite-{version}-{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}"


def _npm_ci(folder: Path, manifests: Path) -> None:
    for name in _MANIFESTS:
        shutil.copy(manifests / name, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--no-progress"]
    try:
        result = subprocess.run(
            [*NPM, "ci", *options],
            cwd=folder,
            env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise AzuriteInstallError(f"npm took more than {_TIMEOUT_SECONDS} s to install Azurite") from exc
    if result.returncode != 0:
        output = "\n".join(result.stdout.splitlines()[-_OUTPUT_LINES:])
        raise AzuriteInstallError(f"npm could not install Azurite (exit code {result.returncode}):\n{output}")

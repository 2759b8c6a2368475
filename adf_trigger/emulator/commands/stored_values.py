"""The values that a stack keeps with its data, so that clients survive a restart: secrets, keys, ports."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.data_folder import DataFolderError, write_private

_FILE = "kept.json"
_SECRETS, _PORTS = "secrets", "ports"
_FORMER = {"client_secret": "client-secret"}
"""Secrets that earlier versions kept in separate files."""


class StoredValues:
    """The values of a data folder, in a file that only its owner can read. The caller must hold the folder's lock.

    Args:
        folder: the data folder.

    Raises:
        DataFolderError: the file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secrets: dict[str, str] = {}
        self._ports: dict[str, int] = {}
        found = _read(folder / _FILE)
        self._secrets |= {name: value for name, value in _members(found, _SECRETS) if isinstance(value, str)}
        self._ports |= {name: value for name, value in _members(found, _PORTS) if type(value) is int}

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """A secret, created and stored on first use."""
        if name not in self._secrets:
            self._secrets[name] = _former(self._folder, name) or make()
            self._write()
        return self._secrets[name]

    @property
    def ports(self) -> Mapping[str, int]:
        """The stored ports, by option name."""
        return self._ports

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Store ports. Stored ones are not replaced, so that a port that was taken once is tried again."""
        missing = {name: port for name, port in ports.items() if name not in self._ports}
        if missing:
            self._ports |= missing
            self._write()

    def _write(self) -> None:
        values = {_SECRETS: self._secrets, _PORTS: self._ports}
        write_private(self._folder / _FILE, json.dumps(values, indent=1) + "\n")


def _members(found: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    members = found.get(name)
    return list(members.items()) if isinstance(members, dict) else []


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise DataFolderError(f"{file} cannot be read ({exc}); remove it to get new keys") from exc
    if not isinstance(found, dict):
        raise DataFolderError(f"{file} does not hold a JSON object; remove it to get new keys")
    return found


def _former(folder: Path, name: str) -> str | None:
    try:
        return (folder / _FORMER[name]).read_text("utf-8") or None
    except (KeyError, OSError):
        return None

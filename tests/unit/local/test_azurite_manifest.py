"""The package's manifest of Azurite says exactly what is installed, and nothing of its registry."""

import json
from importlib import resources
from typing import Any

PACKAGE = resources.files("adf_trigger.local.azurite")


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(PACKAGE.joinpath(name).read_text())
    return content


def test_azurite_is_pinned_to_one_version() -> None:
    """The manifest and the lock name the same version, without a range."""
    wanted = _read("package.json")["dependencies"]["azurite"]
    assert wanted == _read("package-lock.json")["packages"]["node_modules/azurite"]["version"] == "3.35.0"


def test_the_lock_pins_content_and_names_no_registry() -> None:
    """Each package is pinned by its hash, and comes from whatever registry the machine uses."""
    packages = {name: entry for name, entry in _read("package-lock.json")["packages"].items() if name}
    assert len(packages) > 100
    assert [name for name, entry in packages.items() if not entry.get("integrity")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []

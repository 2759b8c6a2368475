"""The control API under `/_emulator/`, for tests: without tokens, for callers on this machine only."""

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from adf_trigger.local.factory.app import FactoryEmulator


def control_routes(_emulator: "FactoryEmulator") -> list[BaseRoute]:
    """The routes."""
    return []

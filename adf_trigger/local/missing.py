"""Runs the local stack's command line, also where its packages are missing. Imports only the standard library."""

from collections.abc import Sequence

from adf_trigger.emulator.commands.messages import say

INSTALL = "python -m pip install '.[local]', in the project's folder"
"""The project is on no package index: installing it by name would install any package that takes the name."""


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the local stack; return the exit code, 2 where packages are missing."""
    try:
        from adf_trigger.local.cli import main  # noqa: PLC0415 - its packages may be missing

        return main(arguments)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == __package__.partition(".")[0]:
            raise
        say(
            f"The local stack needs the package {missing.name}, which is not installed. Install it with: {INSTALL}"
        )
        return 2

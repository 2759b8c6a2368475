"""The command line of the local stack: `python -m adf_trigger.local`, and what `adf-trigger` hands on."""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from adf_trigger.emulator.commands.data_folder import DataFolderError
from adf_trigger.emulator.commands.env import add_env
from adf_trigger.emulator.commands.load import add_import
from adf_trigger.emulator.commands.running import NotRunning
from adf_trigger.emulator.commands.serve import add_cloud
from adf_trigger.emulator.commands.telling import Parser, say
from adf_trigger.emulator.importing.sources import ImportFailed
from adf_trigger.errors import SettingsError
from adf_trigger.local.azurite import AzuriteInstallError, install
from adf_trigger.local.crash import unexpected
from adf_trigger.local.demo import story
from adf_trigger.local.factory import add_factory
from adf_trigger.local.processes.ports import PortTaken
from adf_trigger.local.processes.process import StartFailed
from adf_trigger.local.screen.texts import COMMAND
from adf_trigger.local.up import ProcessDied
from adf_trigger.local.up_options import add_up

_PROGRAM = "python -m adf_trigger.local"
_INTERRUPTED = 130
"""Exit code of a command that Ctrl+C has ended."""
_EXPECTED = (
    AzuriteInstallError,
    DataFolderError,
    ImportFailed,
    NotRunning,
    PortTaken,
    ProcessDied,
    SettingsError,
    StartFailed,
    story.DemoFailed,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows code page has no check mark
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ImportFailed as refused:
        say("\n".join(refused.faults))
        return 1
    except _EXPECTED as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost edge: a person gets a sentence, the log what is behind it
        say(unexpected(error))
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    called = COMMAND if Path(sys.argv[0]).stem == COMMAND else _PROGRAM
    parser = Parser(prog=called, description="The parts of Azure that this project needs, run locally.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_up(commands.add_parser("up", help="run everything until it is told to stop (Ctrl+C or SIGTERM)"))
    setup = commands.add_parser("setup", help="install Azurite, so that the first start is quick too")
    setup.set_defaults(run=_setup)
    add_factory(commands.add_parser("factory", help="run the local Data Factory alone, by http and https"))
    add_import(
        commands.add_parser(
            "import", help="load the folder of a factory's Git repository, or an ARM template of a factory"
        )
    )
    demo = commands.add_parser("demo", help="run both quickstart pipelines and show what comes of it")
    add_cloud(demo)
    demo.set_defaults(run=_demo)
    add_env(
        commands.add_parser(
            "env", help="print the running stack's addresses and keys as variables of a shell"
        )
    )
    return parser


def _setup(_: argparse.Namespace) -> int:
    say(f"Azurite is installed: {install()}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    return story.run(options.cloud)

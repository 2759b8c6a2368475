"""The command line of the local stack: `python -m adf_trigger.local`, and the commands that `adf-trigger` forwards."""

import argparse
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from adf_trigger.emulator.commands.messages import Parser, say
from adf_trigger.local.crash import unexpected
from adf_trigger.local.screen.texts import COMMAND

_PROGRAM = "python -m adf_trigger.local"
_INTERRUPTED = 130
"""Exit code of a command that was ended by Ctrl+C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows code page has no check mark
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        say("Stopped.")
        return _INTERRUPTED
    except ModuleNotFoundError:
        raise  # a package of the local stack is not installed: reported by the caller
    except Exception as error:  # noqa: BLE001 - the outermost edge: a sentence for the user, the traceback in a file
        say(_sentences(error))
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    called = COMMAND if Path(sys.argv[0]).stem == COMMAND else _PROGRAM
    parser = Parser(prog=called, description="The parts of Azure that this project needs, run locally.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (help_text, fill) in _COMMANDS.items():
        commands.add_parser(name, help=help_text, fill=fill)
    return parser


# ruff: noqa: PLC0415 - each command imports only its own packages: together they need all of them


EXPECTED = frozenset(
    {
        "adf_trigger.emulator.commands.data_folder.DataFolderError",
        "adf_trigger.emulator.commands.running.NotRunning",
        "adf_trigger.errors.SettingsError",
        "adf_trigger.local.azurite.install.AzuriteInstallError",
        "adf_trigger.local.demo.story.DemoFailed",
        "adf_trigger.local.processes.ports.PortTaken",
        "adf_trigger.local.processes.process.StartFailed",
        "adf_trigger.local.up.ProcessDied",
    }
)
IMPORT_FAILED = "adf_trigger.emulator.importing.sources.ImportFailed"
"""The exceptions that commands are expected to end with, by name: importing their modules would import everything."""


def _sentences(error: Exception) -> str:
    """The text for an error: its own message if a command is expected to end with it, else a crash report."""
    names = {f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__}
    if IMPORT_FAILED in names:
        return "\n".join(getattr(error, "faults", ()))
    return str(error) if names & EXPECTED else unexpected(error)


def _add_up(parser: Parser) -> None:
    from adf_trigger.local.up_options import add_up

    add_up(parser)


def _add_setup(parser: Parser) -> None:
    parser.set_defaults(run=_setup)


def _add_factory(parser: Parser) -> None:
    from adf_trigger.local.factory import add_factory

    add_factory(parser)


def _add_import(parser: Parser) -> None:
    from adf_trigger.emulator.commands.load import add_import

    add_import(parser)


def _add_demo(parser: Parser) -> None:
    from adf_trigger.emulator.commands.options import add_cloud

    add_cloud(parser)
    parser.set_defaults(run=_demo)


def _add_env(parser: Parser) -> None:
    from adf_trigger.emulator.commands.env import add_env

    add_env(parser)


def _setup(_: argparse.Namespace) -> int:
    from adf_trigger.local.azurite import install

    say(f"Azurite is installed: {install()}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from adf_trigger.local.demo import story

    return story.run(options.cloud)


_COMMANDS: Mapping[str, tuple[str, Callable[[Parser], None]]] = {
    "up": ("run everything until it is stopped (Ctrl+C or SIGTERM)", _add_up),
    "setup": ("install Azurite, so that the first start is fast", _add_setup),
    "factory": ("run the local Data Factory alone, by http and https", _add_factory),
    "import": ("load the folder of a factory's Git repository, or an ARM template of a factory", _add_import),
    "demo": ("run both quickstart pipelines and show the results", _add_demo),
    "env": ("print the running stack's addresses and keys as shell variables", _add_env),
}

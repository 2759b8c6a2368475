"""Commands of the local stack, forwarded to its own command line where the `local` extra is installed."""

from collections.abc import Sequence
from importlib.util import find_spec

import click

from adf_trigger.client.command.exits import Exit
from adf_trigger.client.command.session import Surroundings

INSTALL = "pip install '.[local]', in the project's folder"
_NEEDED = ("filelock", "starlette", "uvicorn", "lark")
COMMANDS = {
    "up": "Run the whole service on this machine, without Azure.",
    "demo": "Run both quickstart pipelines, and show the results.",
    "factory": "Run the local Data Factory alone.",
    "import": "Load a factory's Git repository, or an ARM template of one.",
    "env": "Print the running stack's addresses and keys for a shell.",
}


def local_command(name: str, help_text: str) -> click.Command:
    """A command that forwards its arguments unchanged, `--help` included."""

    @click.command(
        name,
        short_help=help_text,
        help=help_text,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: Sequence[str]) -> int:
        missing = [each for each in _NEEDED if find_spec(each) is None]
        if missing:
            screen = (click.get_current_context().find_object(Surroundings) or Surroundings()).screen(False)
            screen.note(f"`{name}` needs the local extra, which is not installed: {INSTALL}")
            return Exit.USAGE
        from adf_trigger.local.cli import main  # noqa: PLC0415 - it imports many packages

        return main([name, *arguments])

    return command

"""`python -m adf_trigger.emulator serve | import | env`."""

import sys
from collections.abc import Sequence

from adf_trigger.emulator.commands.data_folder import DataFolderError
from adf_trigger.emulator.commands.env import add_env
from adf_trigger.emulator.commands.load import add_import
from adf_trigger.emulator.commands.messages import Parser, say
from adf_trigger.emulator.commands.running import NotRunning
from adf_trigger.emulator.commands.serve import add_serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = Parser(prog="python -m adf_trigger.emulator", description="A local Data Factory.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_serve(commands.add_parser("serve", help="run the emulator over HTTP and HTTPS"))
    add_import(
        commands.add_parser(
            "import", help="load the folder of a factory's Git repository, or an ARM template of a factory"
        )
    )
    add_env(
        commands.add_parser("env", help="print the running stack's addresses and keys as shell variables")
    )
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except (DataFolderError, NotRunning) as error:
        say(str(error))
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())

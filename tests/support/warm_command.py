"""`python -m adf_trigger.local` with a stack whose emulator and functions hosts are forked: see warm.py.

The command itself is as always, and so are its Azurite, and what it does with its processes.
"""

import sys

from adf_trigger.local import cli, up
from adf_trigger.local.demo import story
from adf_trigger.local.stack.stack import Stack, StackConfig
from adf_trigger.local.stack.stack_config import Progress
from tests.support.warm import WarmStack


def main(address: str, arguments: list[str]) -> int:
    """Run a command; the exit code.

    Args:
        address: of `warm_processes`.
        arguments: of the command.
    """

    def stack(config: StackConfig | None = None, progress: Progress | None = None) -> Stack:
        return WarmStack(config or StackConfig(), address, progress)

    for module in (up, story):
        vars(module)[Stack.__name__] = stack
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

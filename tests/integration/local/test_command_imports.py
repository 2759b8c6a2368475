"""A command of the local stack imports what it needs, and not the imports of the others."""

import subprocess
import sys

import pytest

HEAVY = {"adf_trigger.emulator.engine", "adf_trigger.functions_host.host", "azure.core", "httpx", "pydantic"}

PRINT = """
import sys
from contextlib import suppress
from adf_trigger.local.cli import main
with suppress(SystemExit):
    main(sys.argv[1:])
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("command", "light"),
    [
        ("--help", HEAVY),
        ("env --help", HEAVY),
        ("env --data nowhere", HEAVY),
        ("up --help", HEAVY - {"azure.core", "pydantic"}),
    ],
)
def test_a_command_imports_only_what_it_needs(command: str, light: set[str]) -> None:
    """Help and `env`, which shells call at their start, import no package of Azure, also where it fails.

    `up` imports no emulator.
    """
    done = subprocess.run(
        [sys.executable, "-c", PRINT, *command.split()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert light & set(done.stdout.splitlines()[-1].split()) == set()

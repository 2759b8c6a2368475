"""Prints the running stack's addresses and keys as shell variables.

eval "$(python -m adf_trigger.local env --azure)"
"""

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.azure_environment import addresses, azure_environment, check
from adf_trigger.emulator.commands.messages import say
from adf_trigger.emulator.commands.running import facts


def add_env(env: argparse.ArgumentParser) -> None:
    """Add the options of this command to a parser."""
    env.add_argument(
        "--data", type=Path, metavar="DIR", help="the stack's data folder, if several stacks run"
    )
    env.add_argument(
        "--azure",
        action="store_true",
        help="also the variables that lead Azure's own names to the stack, for curl, Python, .NET, PowerShell, Node, "
        "Java and az; that shell reaches nothing else over HTTPS",
    )
    env.add_argument(
        "--check",
        action="store_true",
        help="print nothing, and fail unless this shell reaches the stack under Azure's names",
    )
    env.add_argument(
        "--format", choices=sorted(_FORMATS), default="sh", help="syntax of the output (%(default)s)"
    )
    env.set_defaults(run=_env)


def _env(options: argparse.Namespace) -> int:
    found = facts(options.data)
    if options.check:
        checked = check(found, os.environ)
        for line in (*checked.faults, *checked.notes):
            say(line)
        if checked.faults:
            say(
                "In this shell Azure's names do not lead to the local stack: commands would reach the real Azure. "
                'Run: eval "$(python -m adf_trigger.local env --azure)"'
            )
        return 1 if checked.faults else 0
    variables = addresses(found) | _client_variables(found)
    if options.azure:
        variables |= azure_environment(found)
        Path(variables["AZURE_CONFIG_DIR"]).mkdir(mode=0o700, exist_ok=True)
    sys.stdout.write(_FORMATS[options.format](variables))
    if options.format in _PATHS and shutil.which(_COMMAND) is None:
        sys.stdout.write(_PATHS[options.format](str(Path(sys.executable).parent)))
    return 0


def _client_variables(found: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the command `adf-trigger` and Azure's storage clients read."""
    names = {
        "ADF_TRIGGER_URL": "functions_url",
        "ADF_TRIGGER_KEY": "functions_key",
        "AZURE_STORAGE_CONNECTION_STRING": "storage_connection_string",
    }
    return {name: str(found[fact]) for name, fact in names.items() if fact in found}


def _sh(variables: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _powershell(variables: Mapping[str, str]) -> str:
    quoted = ((name, value.replace("'", "''")) for name, value in variables.items())
    return "".join(f"$env:{name} = '{value}'\n" for name, value in quoted)


def _json(variables: Mapping[str, str]) -> str:
    return json.dumps(variables) + "\n"


_COMMAND = "adf-trigger"
_PATHS: Mapping[str, Callable[[str], str]] = {
    "sh": lambda folder: f'export PATH={shlex.quote(folder)}:"$PATH"\n',
    "powershell": lambda folder: "$env:PATH = '{}{}' + $env:PATH\n".format(
        folder.replace("'", "''"), os.pathsep
    ),
}
"""Adds this environment's commands to the PATH of a shell that does not find them."""

_FORMATS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "sh": _sh,
    "powershell": _powershell,
    "json": _json,
}

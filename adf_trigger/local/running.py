"""Finds the local stack that runs on this machine: what `adf-trigger` talks to where ADF_TRIGGER_URL is not set.

`up` announces itself in a folder of this user's (see `adf_trigger.emulator.commands.running`), with the path of its
endpoints.json, which only the owner can read and which has the address and the key. A stack that was killed is not
believed: what it has left is locked by nobody.

Importing this needs nothing but the standard library, so that the client can do so where the local extra is not
installed.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class NoLocalStack(Exception):
    """No stack runs here, or several do; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """The trigger service of a running stack.

    Attributes:
        url: of its Functions host, without a slash at the end; the API is below /api.
        key: opens its functions.
        data: its data folder.
    """

    url: str
    key: str
    data: Path


def running_stack(data: Path | None = None) -> RunningStack:
    """The stack that runs.

    Args:
        data: its data folder; None for the only one that runs.

    Raises:
        NoLocalStack: none runs, or several do and none is chosen.
    """
    if find_spec("filelock") is None:
        raise NoLocalStack("no local stack can run here: the extra is not installed, adf-trigger[local]")
    from adf_trigger.emulator.commands.running import NotRunning, facts, running  # noqa: PLC0415

    stacks = []
    try:
        if data is not None:
            return _of(data, facts(data))
        for file in sorted(running()):
            with suppress(NoLocalStack):
                stacks.append(_of(file.parent, facts(file.parent)))
    except NotRunning as exc:
        raise NoLocalStack(str(exc)) from exc
    if len(stacks) == 1:
        return stacks[0]
    if stacks:
        folders = ", ".join(str(stack.data) for stack in stacks)
        raise NoLocalStack(
            f"several stacks run, on {folders}: hand this shell one of them by `adf-trigger env --data DIR`"
        )
    raise NoLocalStack("no stack runs; start one with `adf-trigger up`")


def is_alone() -> bool:
    """Whether one stack runs here, the service with it, and no other."""
    try:
        running_stack()
    except NoLocalStack:
        return False
    return True


def _of(data: Path, found: Mapping[str, Any]) -> RunningStack:
    if "functions_url" not in found:
        raise NoLocalStack(f"a factory alone runs on {data}, without the trigger service")
    return RunningStack(url=found["functions_url"], key=found["functions_key"], data=data)

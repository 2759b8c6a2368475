"""Finds the local stack that runs on this machine, which `adf-trigger` uses where ADF_TRIGGER_URL is not set.

`up` announces itself in a folder of this user (see `adf_trigger.emulator.commands.running`), with the path of its
endpoints.json, which has the address and the key and is readable only by the owner. The announcement of a killed stack
is ignored, since no process locks it.

Importing this needs only the standard library, so that the client can import it without the local extra.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class NoLocalStack(Exception):
    """No stack is running, or several are; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """The trigger service of a running stack.

    Attributes:
        url: of its Functions host, without a slash at the end; the API is below /api.
        key: its host key.
        data: its data folder.
    """

    url: str
    key: str
    data: Path


def running_stack(data: Path | None = None) -> RunningStack:
    """The running stack.

    Args:
        data: its data folder; None for the only running one.

    Raises:
        NoLocalStack: none is running, or several are and none is chosen.
    """
    if find_spec("filelock") is None:
        raise NoLocalStack("no local stack can run here: the extra adf-trigger[local] is not installed")
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
            f"several stacks are running, on {folders}: choose one for this shell with `adf-trigger env --data DIR`"
        )
    raise NoLocalStack("no stack is running; start one with `adf-trigger up`")


def is_alone() -> bool:
    """Whether exactly one stack with the service is running."""
    try:
        running_stack()
    except NoLocalStack:
        return False
    return True


def _of(data: Path, found: Mapping[str, Any]) -> RunningStack:
    if "functions_url" not in found:
        raise NoLocalStack(f"only a factory runs on {data}, without the trigger service")
    return RunningStack(url=found["functions_url"], key=found["functions_key"], data=data)

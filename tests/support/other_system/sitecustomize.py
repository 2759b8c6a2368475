"""Removes from this process what Windows does not have, as far as our own modules use it.

Python runs it at its start where this folder is on PYTHONPATH. Other packages choose by sys.platform, and keep what
they need of this system.
"""

import asyncio
import builtins
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

MODULES = frozenset({"fcntl", "grp", "posix", "pwd", "resource", "termios", "tty"})
NAMES: Mapping[str, frozenset[str]] = {
    "os": frozenset(
        {
            *("chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getpgrp", "getsid", "getuid"),
            *("killpg", "mkfifo", "setpgid", "setpgrp", "setsid", "setuid", "uname", "wait4", "waitid"),
        }
    ),
    "signal": frozenset({"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "alarm", "pthread_kill"}),
    "socket": frozenset({"AF_UNIX", "SO_REUSEPORT"}),
}  # fmt: skip
OURS = frozenset({"adf_trigger", "function_app", "__main__"})

_import = builtins.__import__


class _Without:
    """A module as our own code sees it."""

    def __init__(self, module: Any, name: str) -> None:
        self._module = module
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name in NAMES[self._name]:
            raise AttributeError(f"module {self._name!r} has no attribute {name!r}, as on Windows")
        return getattr(self._module, name)


def _import_what_is_there(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002 - the names of __import__
    locals: Mapping[str, Any] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    ours = str((globals or {}).get("__name__", "")).partition(".")[0] in OURS
    if ours and name in MODULES:
        raise ModuleNotFoundError(f"No module named {name!r}, as on Windows", name=name)
    module = _import(name, globals, locals, fromlist or (), level)
    return _Without(module, name) if ours and not level and name in NAMES else module


def _no_handlers(*_: object) -> NoReturn:
    raise NotImplementedError("as the event loop of Windows")


builtins.__import__ = _import_what_is_there
asyncio.SelectorEventLoop.add_signal_handler = _no_handlers  # type: ignore[assignment,method-assign]

"""The TCP ports of a stack, and which process uses a port."""

import socket
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import psutil

from adf_trigger.emulator.commands.running import NotRunning, facts, running

ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """TCP ports on 127.0.0.1; 0 chooses a free one."""

    functions: int = 0
    management: int = 0
    management_tls: int = 0
    identity: int = 0
    authority: int = 0
    proxy: int = 0
    blob: int = 0
    queue: int = 0
    table: int = 0


USUAL = Ports(
    functions=7071,
    management=7072,
    management_tls=7073,
    identity=7074,
    authority=7075,
    proxy=7076,
    blob=10000,
    queue=10001,
    table=10002,
)
"""The well-known ports: of Azure Functions Core Tools, of Azurite, and those that follow the first."""


_ALL = frozenset(field.name for field in fields(Ports))


class PortTaken(Exception):
    """Requested ports are in use; the text names each port and its process."""


def check(ports: Ports) -> None:
    """Check that the requested ports are available.

    Raises:
        PortTaken: some are not.
    """
    wanted = asdict(ports)
    faults = [
        f"port {port} ({option(name)}) {why}"
        for name, port in wanted.items()
        if port and (why := unavailable_reason(port)) is not None
    ]
    requested = [port for port in wanted.values() if port]
    faults += [
        f"port {port} is requested by several options"
        for port in sorted(set(requested))
        if requested.count(port) > 1
    ]
    if faults:
        raise PortTaken("; ".join(faults))


def usual(
    requested: Ports, kept: Mapping[str, int], *, of: Collection[str] = _ALL
) -> tuple[Ports, list[str]]:
    """Ports for interactive use: the requested ones, else those of the stack's last start, else the usual ones.

    Args:
        requested: by options; 0 where the option is not set.
        kept: of the last start on the same data.
        of: names of the ports that are needed; the others are left unchanged.

    Returns:
        The ports, and a sentence for each reason why free ports replace some.
    """
    reasons: dict[str, list[tuple[str, int]]] = {}
    chosen = {name: port for name, port in asdict(requested).items() if port}
    for name, port in asdict(USUAL).items():
        wanted = kept.get(name) or port
        if name in chosen or name not in of:
            continue
        why = "is requested by another option" if wanted in chosen.values() else unavailable_reason(wanted)
        if why is None:
            chosen[name] = wanted
        else:
            reasons.setdefault(why, []).append((name, wanted))
    return replace(requested, **chosen), [_note(why, ports) for why, ports in reasons.items()]


def _note(why: str, ports: list[tuple[str, int]]) -> str:
    if len(ports) == 1:
        ((name, port),) = ports
        return f"port {port} {why}: using a free one ({option(name)} chooses)"
    numbers = ", ".join(str(port) for _, port in ports)
    why = why.replace("is ", "are ", 1)
    return f"ports {numbers} {why}: using free ones ({option(ports[0][0])} and the like choose)"


def option(name: str) -> str:
    """The option that chooses a port."""
    return f"--{name.replace('_', '-')}-port"


def names() -> Iterator[str]:
    """The names of all ports."""
    return (field.name for field in fields(Ports))


def unavailable_reason(port: int) -> str | None:
    """Why a process cannot listen on a port now, as text; None if it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        if sys.platform != "win32":  # on Windows the same option takes the port from its owner
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((ADDRESS, port))
            server.listen(1)
        except PermissionError:
            return "may not be used by this user"
        except OSError:
            return f"is taken by {listener_text(port)}"
    return None


def listener_text(port: int) -> str:
    """The process that listens on a port, as text, as far as this user may see it."""
    pid = _listener(port)
    if pid is None:
        return "another process"
    return f"{_name(pid)} (process {pid}){_of_a_stack(pid)}"


def _name(pid: int) -> str:
    """Name of the program, since a process may choose its own name: that of Node is MainThread."""
    try:
        process = psutil.Process(pid)
        try:
            return Path(process.exe()).name or process.name()
        except psutil.AccessDenied:
            return process.name()
    except psutil.Error:
        return "a process"


def _listener(port: int) -> int | None:
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # on macOS only root may list them
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            pid: int | None = connection.pid
            return pid
    return None


def _of_a_stack(pid: int) -> str:
    try:
        for file in running():
            if pid in facts(file.parent).get("pids", {}).values():
                return f" of the stack on {file.parent}"
    except (NotRunning, OSError):
        pass
    return ""

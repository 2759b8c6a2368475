"""The TCP ports of a stack, and who has one that is wanted."""

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
    """TCP ports on 127.0.0.1; 0 takes a free one."""

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
    """Ports that were asked for are taken; the text names each, and by what."""


def check(ports: Ports) -> None:
    """See that ports that were asked for are there to be had.

    Raises:
        PortTaken: some are not.
    """
    wanted = asdict(ports)
    faults = [
        f"port {port} ({option(name)}) {why}"
        for name, port in wanted.items()
        if port and (why := why_not(port)) is not None
    ]
    asked = [port for port in wanted.values() if port]
    faults += [
        f"port {port} is asked for by several options" for port in sorted(set(asked)) if asked.count(port) > 1
    ]
    if faults:
        raise PortTaken("; ".join(faults))


def usual(asked: Ports, kept: Mapping[str, int], *, of: Collection[str] = _ALL) -> tuple[Ports, list[str]]:
    """Ports for people: those that were asked for, else those that the stack had before, else the usual ones.

    Args:
        asked: by options; 0 where none was.
        kept: of the last start on the same data.
        of: names of those that are needed; the others stay as they are.

    Returns:
        The ports, and a sentence for each reason why free ones stand in for some.
    """
    reasons: dict[str, list[tuple[str, int]]] = {}
    chosen = {name: port for name, port in asdict(asked).items() if port}
    for name, port in asdict(USUAL).items():
        wanted = kept.get(name) or port
        if name in chosen or name not in of:
            continue
        why = "is asked for by another option" if wanted in chosen.values() else why_not(wanted)
        if why is None:
            chosen[name] = wanted
        else:
            reasons.setdefault(why, []).append((name, wanted))
    return replace(asked, **chosen), [_note(why, ports) for why, ports in reasons.items()]


def _note(why: str, ports: list[tuple[str, int]]) -> str:
    if len(ports) == 1:
        ((name, port),) = ports
        return f"port {port} {why}: a free one stands in ({option(name)} chooses)"
    numbers = ", ".join(str(port) for _, port in ports)
    why = why.replace("is ", "are ", 1)
    return f"ports {numbers} {why}: free ones stand in ({option(ports[0][0])} and its like choose)"


def option(name: str) -> str:
    """The option that chooses a port."""
    return f"--{name.replace('_', '-')}-port"


def names() -> Iterator[str]:
    """Of all ports."""
    return (field.name for field in fields(Ports))


def why_not(port: int) -> str | None:
    """Why a process could not listen there now, in words; None if it could."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        if sys.platform != "win32":  # there the same option takes a port from whoever has it
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((ADDRESS, port))
            server.listen(1)
        except PermissionError:
            return "may not be used by this user"
        except OSError:
            return f"is taken by {taken_by(port)}"
    return None


def taken_by(port: int) -> str:
    """Who listens there, in words; what the system does not tell to this user stays open."""
    pid = _listener(port)
    if pid is None:
        return "another process"
    return f"{_name(pid)} (process {pid}){_of_a_stack(pid)}"


def _name(pid: int) -> str:
    """Of the program, since a process may call itself as it likes: Node is MainThread."""
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
    except (psutil.Error, OSError):  # macOS tells this to root alone
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

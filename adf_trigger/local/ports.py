"""The TCP ports of a stack, and who has one that is wanted."""

import socket
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace

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
"""Those that people know: of Azure Functions Core Tools, of Azurite, and what follows the first."""


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
        f"port {port} ({option(name)}) is taken by {taken_by(port)}"
        for name, port in wanted.items()
        if port and not is_free(port)
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
        The ports, and a sentence for each that is taken, so that a free one stands in for it.
    """
    notes = []
    chosen = {name: port for name, port in asdict(asked).items() if port}
    for name, port in asdict(USUAL).items():
        wanted = kept.get(name) or port
        if name in chosen or name not in of:
            continue
        if wanted not in chosen.values() and is_free(wanted):
            chosen[name] = wanted
        else:
            by = "another option" if wanted in chosen.values() else taken_by(wanted)
            notes.append(f"port {wanted} is taken by {by}: a free one stands in ({option(name)} chooses)")
    return replace(asked, **chosen), notes


def option(name: str) -> str:
    """The option that chooses a port."""
    return f"--{name.replace('_', '-')}-port"


def names() -> Iterator[str]:
    """Of all ports."""
    return (field.name for field in fields(Ports))


def is_free(port: int) -> bool:
    """Whether a process could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        if sys.platform != "win32":  # there the same option takes a port from whoever has it
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((ADDRESS, port))
            server.listen(1)
        except OSError:
            return False
    return True


def taken_by(port: int) -> str:
    """Who listens there, in words; what the system does not tell to this user stays open."""
    pid = _listener(port)
    if pid is None:
        return "another process"
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        name = "a process"
    return f"{name} (process {pid}){_of_a_stack(pid)}"


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

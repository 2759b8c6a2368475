"""Fixed ports, and which process holds one."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

from adf_trigger.local.processes.ports import Ports, PortTaken, check, names, unavailable_reason, usual
from adf_trigger.local.stack.endpoints import Endpoints


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack of this machine is found."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    with ExitStack() as opened:
        servers = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def test_the_holder_of_a_port_is_named(taken: int) -> None:
    """The name has its process id."""
    assert f"(process {os.getpid()})" in str(unavailable_reason(taken))
    (port,) = free(1)
    assert unavailable_reason(port) is None


def test_every_taken_port_is_reported(taken: int) -> None:
    """Each is reported with its option; a port given twice, too."""
    (other,) = free(1)
    with pytest.raises(PortTaken) as caught:
        check(Ports(functions=taken, blob=other, table=other))
    assert f"port {taken} (--functions-port) is taken by" in str(caught.value)
    assert f"port {other} is requested by several options" in str(caught.value)
    check(Ports())
    check(Ports(management_tls=other))


def test_the_ports_of_the_last_start_are_reused(taken: int) -> None:
    """A taken one is replaced by a free one, and that is reported; given ports take precedence."""
    asked, *rest = free(9)
    kept = dict(zip(names(), [taken, *rest], strict=True))
    ports, notes = usual(Ports(blob=asked), kept)
    assert asdict(ports) == kept | {"functions": 0, "blob": asked}
    (note,) = notes
    assert note.startswith(f"port {taken} is taken by ")
    assert note.endswith("using a free one (--functions-port chooses)")


def test_ports_of_one_process_are_reported_together(taken: int) -> None:
    """They are in one sentence."""
    kept = dict.fromkeys(("functions", "blob"), taken)
    _, (note,) = usual(Ports(), kept, of=("functions", "blob"))
    assert note.startswith(f"ports {taken}, {taken} are taken by ")
    assert note.endswith("using free ones (--functions-port and the like choose)")


def test_only_needed_ports_are_checked(taken: int) -> None:
    """A factory alone does not need the Functions host's."""
    assert usual(Ports(), {"functions": taken}, of=()) == (Ports(), [])


def test_a_running_stack_reports_its_ports() -> None:
    """They have the names of the options, wherever they are in its addresses."""
    numbers = dict(zip(names(), range(1, 10), strict=True))
    endpoints = Endpoints(
        functions_url=f"http://127.0.0.1:{numbers['functions']}",
        functions_key="k",
        management_url=f"http://127.0.0.1:{numbers['management']}",
        management_tls_url=f"https://127.0.0.1:{numbers['management_tls']}",
        control_url="",
        identity_endpoint=f"http://127.0.0.1:{numbers['identity']}/msi/token",
        identity_header="h",
        authority_url=f"https://127.0.0.1:{numbers['authority']}",
        tenant_id="",
        client_id="",
        client_secret="s",
        ca_file="",
        proxy_url=f"http://127.0.0.1:{numbers['proxy']}",
        cloud="public",
        storage_connection_string=(
            f"AccountKey=a==;BlobEndpoint=http://127.0.0.1:{numbers['blob']}/a;"
            f"QueueEndpoint=http://127.0.0.1:{numbers['queue']}/a;"
            f"TableEndpoint=http://127.0.0.1:{numbers['table']}/a;"
        ),
        factory_id="",
        requests_queue="",
        rejected_queue="",
        events_queue="",
        table="",
        pids={},
    )
    assert endpoints.ports() == numbers

"""The hooks of azure.yaml as azd runs them: in a shell, in the project's folder, with the deployment's outputs."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from infra.hooks.deployed import asked

ROOT = Path(__file__).parents[3]
HOOKS = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]


class Well(BaseHTTPRequestHandler):
    """A healthy app."""

    def do_GET(self) -> None:
        """Answer."""
        body = b'{"status": "ok"}' if self.path == "/api/health" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """URL of a healthy app."""
    with HTTPServer(("127.0.0.1", 0), Well) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("hook", "said"), [("predeploy", ""), ("postdeploy", "The deployed app is healthy.\n")]
)
def test_a_hook_runs_as_azd_runs_it(hook: str, said: str, url: str) -> None:
    """The command in azure.yaml finds its script and the app, and needs no package."""
    posix = HOOKS[hook]["posix"]
    done = subprocess.run(
        [posix["shell"], "-c", posix["run"]],
        cwd=ROOT,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SERVICE_API_URI": url,
            "no_proxy": "*",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(said)


def test_a_broken_connection_is_no_reply() -> None:
    """Whatever the network does, the check ends with its last result."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = Thread(target=_break_off, args=(listening,), daemon=True)
        thread.start()
        answer = asked(f"http://127.0.0.1:{port}/api/health")
        thread.join(60)
    assert answer.status == 0
    assert answer.words
    assert asked(f"http://127.0.0.1:{port}/api/health").status == 0


def _break_off(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"HTTP/9 nonsense\r\n\r\n")

"""The running service does what its description says, whatever is sent: schemathesis asks for it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.local_stack import TIMEOUTS, LocalStack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
SEED = 20261126
SECONDS = 12
"""Of asking, at most."""


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack that is well: a 503 is then none that is described."""
    with LocalStack(warm=warm) as running:
        running.define("pause")
        running.tick()
        health = f"{running.endpoints.functions_url}/api/health"
        running.eventually(lambda: requests.get(health, timeout=TIMEOUTS).status_code == 200)
        yield running


@pytest.mark.timeout(180)
def test_no_call_answers_otherwise_than_it_is_described(stack: LocalStack, tmp_path: Path) -> None:
    """No 5xx but those that are described, no status, header or body that is not, and no call without its key."""
    endpoints = stack.endpoints
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run"),
            f"{endpoints.functions_url}/api/openapi.json",
            *("--header", f"x-functions-key: {endpoints.functions_key}"),
            *("--url", f"{endpoints.functions_url}/api"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "10", "--max-time", str(SECONDS), "--seed", str(SEED)),
            # One worker: Python 3.11 may fail to parse on two threads at once.
            *("--workers", "1", "--no-color", "--continue-on-failure", "--request-timeout", "30"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]

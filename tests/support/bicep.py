"""Microsoft's Bicep compiler as one process that answers requests: each start would cost ten times a request."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import parse_headers
from pathlib import Path
from threading import Timer
from typing import Any

_LIMIT_SECONDS = 120
_REGION = "westeurope"
_SUBSCRIPTION = "a0b1c2d3-0000-4000-8000-000000000001"


class Rejected(Exception):
    """The compiler answered with an error; a deployment would fail with the same text."""


class Compiler:
    """A running `bicep jsonrpc`, which answers requests of JSON-RPC 2.0, each after a header with its length.

    It caches what `loadJsonContent` has read: such a file is written before the first request that reads it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def compiled(self, template: Path) -> str:
        """The JSON of a template that compiles, modules included, without a diagnostic of compiler or linter."""
        result = self._result("compile", path=str(template))
        assert (result["diagnostics"], result["success"]) == ([], True)
        contents: str = result["contents"]
        return contents

    def formatted(self, file: Path) -> str:
        """The text of a file as the formatter writes it."""
        contents: str = self._result("format", path=str(file))["contents"]
        return contents

    def snapshot(self, parameters: Path) -> dict[str, Any]:
        """What a deployment with a .bicepparam file would create, as `bicep snapshot` writes it.

        Raises:
            Rejected: the deployment would fail before it creates anything.
        """
        metadata = {"subscriptionId": _SUBSCRIPTION, "location": _REGION}
        try:
            result = self._result("getSnapshot", path=str(parameters), metadata=metadata)
        except Rejected as rejected:
            if str(rejected) == "Compilation failed":
                compiled = self._result("compileParams", path=str(parameters), parameterOverrides={})
                rejected.add_note(json.dumps(compiled["diagnostics"], indent=1))
            raise
        snapshot: dict[str, Any] = json.loads(result["snapshot"])
        return snapshot

    def _result(self, method: str, **parameters: object) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 1, "method": f"bicep/{method}", "params": parameters}
        body = json.dumps(request).encode()
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        with _limited(self._process):
            requests.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            requests.flush()
            length = parse_headers(answers)["Content-Length"]
            assert length is not None, f"the compiler ended before it answered bicep/{method}"
            answer = json.loads(answers.read(int(length)))
        if "error" in answer:
            raise Rejected(answer["error"]["message"])
        result: dict[str, Any] = answer["result"]
        return result


@contextmanager
def running(command: str) -> Iterator[Compiler]:
    """Run the compiler until the context ends."""
    process = subprocess.Popen(
        [command, "jsonrpc", "--stdio"],
        env={**os.environ, "DOTNET_TieredPGO": "0"},  # profiling its code does not pay within seconds
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Compiler(process)
    finally:
        with _limited(process):
            process.communicate()  # it ends when its input does


@contextmanager
def _limited(process: subprocess.Popen[bytes]) -> Iterator[None]:
    timer = Timer(_LIMIT_SECONDS, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

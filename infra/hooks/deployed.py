"""azd's hooks around a deployment (see azure.yaml), using only the standard library.

`wait URL`, before: if the app has not been deployed yet, its roles are new, and a new role assignment does not take
effect immediately: the first deployment would fail with 403 (https://github.com/Azure/azure-dev/issues/8026).

`check URL`, after: polls the health until it is ok, since a successful deployment does not mean that the app can be
imported: if it cannot, the host answers 404 to everything, and no log says why.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPException
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SPREAD_SECONDS = 60
"""Usual time until role assignments take effect."""

CHECK_SECONDS = 300
"""Time limit for the first answer of the app."""

UNWELL_SECONDS = 600
"""Time limit for a running app to become healthy: a role may take that long."""

PAUSE_SECONDS = 5
IN_A_ROW = 3
"""Required consecutive good answers: the first may come from the previous deployment."""

_TIMEOUT_SECONDS = 30
_MOST_BYTES = 65_536
_BUILT_BY_ANOTHER_PYTHON = """\
There are no functions, so the app could not be imported. The remote build may have used another Python than the app
runs on (https://github.com/Azure/azure-dev/issues/8538). Then build locally: put `remoteBuild: false` below
`services: api:` in azure.yaml, and run

  python3.12 -m pip install --only-binary=:all: --platform manylinux2014_x86_64 --python-version 3.12 \\
    --target .python_packages/lib/site-packages -r requirements.txt
  azd deploy
"""


class Answer(NamedTuple):
    """The result of a health check: an HTTP status (0: none) and the text of the app, or of the network error."""

    status: int
    words: str
    ours: bool = False


def main(
    arguments: Sequence[str] | None = None,
    *,
    ask: Callable[[str], Answer] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> int:
    """Run a command; return the exit code: 0, or 1 if the deployed app does not become healthy."""
    parser = argparse.ArgumentParser(prog="deployed.py", description="Around a deployment of adf-trigger.")
    parser.add_argument("command", choices=["wait", "check"])
    parser.add_argument("url", help="of the app: https://<name>.azurewebsites.net/api")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("https://", "http://")):
        parser.error(f"{options.url!r} is not a URL; pass the template's output SERVICE_API_URI")
    health = f"{options.url.rstrip('/')}/health"
    if options.command == "wait":
        return _wait(health, ask or asked, sleep)
    return _check(health, ask or asked, sleep, now)


def asked(url: str) -> Answer:
    """Request the health once."""
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - the deployment's own output
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return _answer(response.status, response.read(_MOST_BYTES))
    except HTTPError as exc:
        with exc:
            return _answer(exc.code, exc.read(_MOST_BYTES))
    except (URLError, OSError, HTTPException) as exc:
        return Answer(0, str(exc) or type(exc).__name__)


def _answer(status: int, body: bytes) -> Answer:
    try:
        document = json.loads(body)
    except ValueError:
        return Answer(status, body.decode("utf-8", "replace").strip()[:200])
    ours = isinstance(document, Mapping) and "status" in document
    return Answer(status, json.dumps(document), ours=ours)


def _wait(health: str, ask: Callable[[str], Answer], sleep: Callable[[float], None]) -> int:
    if not ask(health).ours:
        _say(f"The app is new. Its roles take a while to take effect: continuing in {SPREAD_SECONDS} s.")
        sleep(SPREAD_SECONDS)
    return 0


def _check(
    health: str, ask: Callable[[str], Answer], sleep: Callable[[float], None], now: Callable[[], float]
) -> int:
    started = now()
    good, last = 0, None
    while good < IN_A_ROW:
        answer = ask(health)
        good = good + 1 if answer.ours and answer.status == HTTPStatus.OK else 0
        if answer != last:
            _say(f"{health}: {answer.status or 'no answer'} {answer.words}".rstrip())
            last = answer
        if good < IN_A_ROW:
            if now() - started >= (UNWELL_SECONDS if answer.ours else CHECK_SECONDS):
                _say(_verdict(answer))
                return 1
            sleep(PAUSE_SECONDS)
    _say("The deployed app is healthy.")
    return 0


def _verdict(answer: Answer) -> str:
    if answer.status == HTTPStatus.NOT_FOUND and not answer.ours:
        return _BUILT_BY_ANOTHER_PYTHON
    again = "`azd hooks run postdeploy` checks again."
    if answer.ours:
        return (
            f"The app runs, but not all of its dependencies answer. Roles may need some more minutes: {again}"
        )
    return f"The app did not answer within {CHECK_SECONDS} s. {again}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

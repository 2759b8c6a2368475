"""Calls as the documents make them, by curl, on Azure's own addresses."""

import json
import time
from typing import Any

from tests.support.quickstarts import fits, literally, resource

ARM, LOGIN = "https://management.azure.com", "https://login.microsoftonline.com"
VERSION = "api-version=2018-06-01"
_PAUSE_SECONDS = 0.2
"""Of the documents' loop, whose own are fifteen: each turn is a process."""


class Curl:
    """Sends by curl, in a shell that has the proxy and the authority, and nothing else of the stack.

    Attributes:
        done: the steps that were taken.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._environment = {
            name: shell.variables[name] for name in ("HTTPS_PROXY", "CURL_CA_BUNDLE", "NO_PROXY")
        }
        self.done: set[str] = set()
        self.token = ""
        self.factory = ""

    def ask(
        self, method: str, url: str, *, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers in lower case, and what the body says."""
        words = ["curl", "-sS", "-i", "--suppress-connect-headers", "-X", method, url]
        for name, value in headers.items():
            words += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            words += ["--data-binary", body]
        clean = dict.fromkeys(self._shell.variables, "") | self._environment
        said = self._shell.run(*words, **clean).stdout
        head, _, content = said.partition("\n\n")
        lines = head.splitlines()
        pairs = (line.partition(": ") for line in lines[1:])
        fields = {name.lower(): value for name, _, value in pairs}
        return int(lines[0].split()[1]), fields, json.loads(content) if content.strip() else None

    def send(self, step: str, method: str, path: str, body: Any = None, query: str = "") -> Any:
        """A step: a call as the documents' commands make it, which must succeed; gives the reply."""
        self.done.add(step)
        status, _, reply = self.ask(
            method,
            f"{ARM}{self.factory}{path}?{VERSION}{query}".replace(" ", "%20"),
            body="" if body is None and method != "GET" else None if body is None else json.dumps(body),
            Authorization=f"Bearer {self.token}",
            Content_Type="application/json",
            Accept="application/json",
        )
        assert status in {200, 201, 202}, reply
        return reply

    def publish(self, step: str, kind: str, name: str, properties: Any, **beside: Any) -> None:
        """PUT a document as printed; the reply is held against what is printed."""
        reply = self.send(step, "PUT", f"/{kind}/{name}", {"name": name, "properties": properties, **beside})
        fits(reply, resource(self.factory, kind, name, literally(properties)))
        assert list(reply) == ["id", "name", "type", "properties", "etag"]

    def monitor(self, run_id: str) -> Any:
        """The documents' loop."""
        while True:
            run = self.send("monitor", "GET", f"/pipelineruns/{run_id}")
            if run["status"] not in {"InProgress", "Queued", "In Progress"}:
                return run
            time.sleep(_PAUSE_SECONDS)


def sign_in(curl: Curl, shell: Any, resource_id: str, tenant: str = "") -> str:
    """A token, as ADAL asks for it."""
    curl.done.add("sign in")
    form = {
        "grant_type": "client_credentials",
        "client_id": shell.variables["CLIENT_ID"],
        "client_secret": shell.variables["CLIENT_SECRET"],
        "resource": resource_id,
    }
    status, _, reply = curl.ask(
        "POST",
        f"{LOGIN}/{tenant or shell.variables['TENANT_ID']}/oauth2/token",
        body="&".join(f"{name}={value}" for name, value in form.items()),
        Content_Type="application/x-www-form-urlencoded",
    )
    assert status == 200, reply
    return str(reply["access_token"])

"""The control API serves programs on this machine, and no foreign page in a browser on it."""

from typing import Any

import httpx
import pytest


def reset(served: Any, **headers: str) -> httpx.Response:
    """A reset as a page would send it."""
    return httpx.post(f"{served.url}/_emulator/reset", content=b"{}", headers=headers)


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "host", ["evil.example", "management.azure.com", "127.0.0.1.evil.example", "10.0.0.1", ""]
)
def test_another_host_is_rejected(served: Any, host: str) -> None:
    """A host name that was made to resolve here (DNS rebinding) cannot reset the emulator."""
    path = served.create_factory()
    assert reset(served, Host=host, **JSON).status_code == 403
    assert served.client.get(path).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_a_foreign_origin_is_rejected(served: Any, origin: str) -> None:
    """A page of another site, or of another program of this machine, cannot reset the emulator."""
    path = served.create_factory()
    assert reset(served, Origin=origin, **JSON).status_code == 403
    assert served.client.get(path).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_body_must_be_declared_as_json(served: Any, kind: str) -> None:
    """A request that a form can send without a preflight is rejected and changes nothing."""
    path = served.create_factory()
    headers = {"Content-Type": kind} if kind else {}
    assert reset(served, **headers).status_code == 415
    assert served.client.get(path).status_code == 200


def test_programs_of_this_machine_are_served(served: Any) -> None:
    """JSON to a loopback address or localhost is served, with the emulator's own origin or none; so is DELETE."""
    port = httpx.URL(served.url).port
    assert reset(served, **JSON).status_code == 204
    assert reset(served, Origin=served.url, **JSON).status_code == 204
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert reset(served, **own, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 204
    assert httpx.delete(f"{served.url}/_emulator/faults").status_code == 204

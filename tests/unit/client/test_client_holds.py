"""Holding and releasing, through the client and by command, with a service that is a function."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adf_trigger.client import RequestRefused
from tests.unit.client.service import Service, answer, problem
from tests.unit.client.terminal import command

HELD: dict[str, Any] = {
    "factory": "eu",
    "holds": [
        {
            "pipeline": "Load",
            "admissionKey": '"contoso"',
            "reason": "deploying",
            "since": "2026-11-26T06:00:00Z",
            "until": "2026-11-27T06:00:00Z",
            "by": "ann@example.org",
            "waiting": 7,
        }
    ],
}
WARNED: dict[str, Any] = {
    **HELD,
    "warnings": ["the factory eu has no pipeline Load: it is held once there is one"],
}
NOTHING: dict[str, Any] = {"factory": "default", "holds": []}


def test_a_client_holds_and_releases() -> None:
    """Path and body are the contract's; unknown fields of a newer service are ignored."""
    service = Service(answer(HELD))
    until = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
    with service.client() as client:
        held = client.hold("deploying", factory="e u", pipeline="Load", key="contoso", until=until)
        client.release(key=1)
        client.release()
    assert held.holds[0].by == "ann@example.org"
    first, second, third = service.asked
    assert first.url.raw_path.decode() == "/api/factories/e~20u/hold"
    assert json.loads(first.content) == {
        "reason": "deploying",
        "pipeline": "Load",
        "key": "contoso",
        "until": "2026-11-27T06:00:00+00:00",
    }
    assert second.url.path == "/api/factories/default/release"
    assert (json.loads(second.content), json.loads(third.content)) == ({"key": 1}, {})


def test_a_hold_whose_reply_was_lost_is_repeated() -> None:
    """Holding or releasing twice is harmless."""
    service = Service(httpx.ReadError("reset"), answer(NOTHING))
    with service.client() as client:
        assert client.release().holds == []
    assert len(service.asked) == 2


def test_an_unknown_factory_is_rejected() -> None:
    """The error differs from that of an unknown run."""
    service = Service(problem("factory-not-found", 404, detail="there is no factory x; there is: eu"))
    with service.client() as client, pytest.raises(RequestRefused, match="there is: eu"):
        client.hold("deploying", factory="x")
    done = command(service, "hold", "--reason", "x", "--factory", "x")
    assert (done.code, "there is: eu" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["hold", "--reason", "r"], "default/hold", {"reason": "r"}),
        (
            ["hold", "--reason", "r", "--pipeline", "p", "--key", "7", "--factory", "eu"],
            "eu/hold",
            {"reason": "r", "pipeline": "p", "key": "7"},
        ),
        (["hold", "--reason", "r", "--key", "7", "--json-key"], "default/hold", {"reason": "r", "key": 7}),
        (
            ["hold", "--reason", "r", "--until", "2026-11-27T06:00:00+01:00"],
            "default/hold",
            {"reason": "r", "until": "2026-11-27T05:00:00+00:00"},
        ),
        (["release"], "default/release", {}),
        (["release", "--pipeline", "p", "--key", "7"], "default/release", {"pipeline": "p", "key": "7"}),
    ],
)
def test_a_command_sends_its_request(arguments: list[str], path: str, body: dict[str, Any]) -> None:
    """It succeeds when the service does."""
    service = Service(answer(NOTHING))
    done = command(service, *arguments)
    assert (done.code, done.out) == (0, "default has no holds.\n")
    (asked,) = service.asked
    assert asked.url.path == f"/api/factories/{path}"
    assert json.loads(asked.content) == body


def test_a_duration_becomes_an_end() -> None:
    """It is counted from now."""
    service = Service(answer(HELD))
    done = command(service, "hold", "--reason", "r", "--for", "2h")
    until = datetime.fromisoformat(json.loads(service.asked[0].content)["until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=2)
    assert done.out == (
        'held until 2026-11-27 06:00:00Z by ann@example.org: eu, key "contoso" of pipeline Load: deploying\n'
    )
    assert json.loads(command(service, "release", "-o", "json").out)["factory"] == "eu"


def test_a_warning_is_shown_beside_the_result() -> None:
    """A pipeline that does not exist is held all the same: the command succeeds."""
    done = command(Service(answer(WARNED)), "hold", "--reason", "r", "--pipeline", "Load")
    assert done.code == 0
    assert done.err == "warning: the factory eu has no pipeline Load: it is held once there is one\n"
    assert done.out.startswith("held until")


@pytest.mark.parametrize(
    "arguments",
    [
        ["hold"],
        ["hold", "--reason", "r", "--until", "soon"],
        ["hold", "--reason", "r", "--until", "2026-11-27T06:00:00"],
        ["hold", "--reason", "r", "--until", "2026-11-27T06:00:00Z", "--for", "2h"],
        ["hold", "--reason", "r", "--key", "{", "--json-key"],
        ["release", "--json-key"],
    ],
)
def test_an_impossible_duration_is_an_error(arguments: list[str]) -> None:
    """Nothing is sent to the service."""
    service = Service(answer(NOTHING))
    assert command(service, *arguments).code == 2
    assert service.asked == []


def test_health_shows_holds() -> None:
    """They are shown beside the faults; the app is healthy."""
    health: dict[str, Any] = {"status": "ok", "since": None, "version": "1", "troubles": [], "warnings": []}
    done = command(Service(answer({**health, "holds": [{**HELD["holds"][0], "factory": "eu"}]})), "health")
    assert (done.code, done.out.splitlines()[1:]) == (
        0,
        [
            '  held until 2026-11-27 06:00:00Z by ann@example.org: eu, key "contoso" of pipeline Load: deploying',
            "    7 requests wait for it",
        ],
    )


def test_health_uses_singular_and_plural() -> None:
    """One request waits, two wait."""
    health: dict[str, Any] = {"status": "ok", "since": None, "version": "1", "troubles": [], "warnings": []}
    held = {**HELD["holds"][0], "factory": "eu", "waiting": 1}
    done = command(Service(answer({**health, "holds": [held]})), "health")
    assert done.out.splitlines()[-1] == "    1 request waits for it"

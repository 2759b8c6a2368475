"""Runs are told once each, as they end, whatever the service answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import responses
from responses import matchers

from adf_trigger.local.following import Follower

URL = "http://127.0.0.1:7071/api/runs"
SINCE = datetime(2026, 11, 26, tzinfo=UTC)


def run(name: str, *, ended: bool = True) -> dict[str, Any]:
    """A run as a list shows it."""
    return {"requestId": name, "status": "Succeeded" if ended else "InProgress", "ended": ended}


@pytest.fixture
def told() -> list[str]:
    """Requests of the runs that were told."""
    return []


@pytest.fixture
def follower(told: list[str]) -> Follower:
    """One that is asked by hand."""

    def tell(view: Mapping[str, Any]) -> None:
        told.append(view["requestId"])

    endpoints: Any = SimpleNamespace(functions_url="http://127.0.0.1:7071", functions_key="key")
    return Follower(endpoints, tell, since=SINCE)


@responses.activate
def test_each_end_is_told_once_oldest_first(follower: Follower, told: list[str]) -> None:
    """What goes on is not told; all pages are read; what was told is not told again."""
    key = matchers.header_matcher({"x-functions-key": "key"})
    first = matchers.query_param_matcher({"since": SINCE.isoformat()})
    second = matchers.query_param_matcher({"since": SINCE.isoformat(), "continuation": "c"})
    pages = {"runs": [run("c"), run("b", ended=False)], "continuation": "c"}, {"runs": [run("a")]}
    responses.get(URL, json=pages[0], match=[key, first])
    responses.get(URL, json=pages[1], match=[key, second])
    follower.poll()
    follower.poll()
    assert told == ["a", "c"]


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 500, "body": ""},
        {"status": 200, "body": "no JSON"},
        {"status": 200, "json": []},
        {"status": 200, "json": {"runs": 5}},
        {"status": 200, "json": {"runs": [5]}},
        {"body": requests.ConnectionError()},
    ],
)
def test_a_service_that_gives_no_list_is_asked_again(
    follower: Follower, told: list[str], answer: Mapping[str, Any]
) -> None:
    """It may be another app, or be started again just now."""
    responses.get(URL, **answer)
    follower.poll()
    responses.replace(responses.GET, URL, json={"runs": [run("a")]})
    follower.poll()
    assert told == ["a"]

"""Runs are printed once each, as they end, whatever the service answers."""

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
    """A run as in a list."""
    return {"requestId": name, "status": "Succeeded" if ended else "InProgress", "ended": ended}


@pytest.fixture
def printed_requests() -> list[str]:
    """Requests of the printed runs."""
    return []


@pytest.fixture
def follower(printed_requests: list[str]) -> Follower:
    """A follower that the test polls."""

    def keep(view: Mapping[str, Any]) -> None:
        printed_requests.append(view["requestId"])

    endpoints: Any = SimpleNamespace(functions_url="http://127.0.0.1:7071", functions_key="key")
    return Follower(endpoints, keep, since=SINCE)


@responses.activate
def test_each_end_is_printed_once_oldest_first(follower: Follower, printed_requests: list[str]) -> None:
    """Unfinished runs are not printed; all pages are read; printed runs are not printed again."""
    key = matchers.header_matcher({"x-functions-key": "key"})
    first = matchers.query_param_matcher({"since": SINCE.isoformat()})
    second = matchers.query_param_matcher({"since": SINCE.isoformat(), "continuation": "c"})
    pages = {"runs": [run("c"), run("b", ended=False)], "continuation": "c"}, {"runs": [run("a")]}
    responses.get(URL, json=pages[0], match=[key, first])
    responses.get(URL, json=pages[1], match=[key, second])
    follower.poll()
    follower.poll()
    assert printed_requests == ["a", "c"]


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
def test_a_service_that_returns_no_list_is_polled_again(
    follower: Follower, printed_requests: list[str], answer: Mapping[str, Any]
) -> None:
    """It may be another app, or be restarting."""
    responses.get(URL, **answer)
    follower.poll()
    responses.replace(responses.GET, URL, json={"runs": [run("a")]})
    follower.poll()
    assert printed_requests == ["a"]

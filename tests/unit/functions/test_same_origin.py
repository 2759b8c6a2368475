"""With App Service authentication on, no other site's page can have a browser start or steer a run."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

SAME = {
    "Content-Type": "application/json",
    "Sec-Fetch-Site": "same-origin",
    "Cookie": "AppServiceAuthSession=x",
}
OWN = {"Content-Type": "application/json; charset=utf-8", "Origin": "https://host"}
POSTS = {
    "start_run": "pipelines/load/runs",
    "start_runs": "runs",
    "cancel_run": "runs/k/cancel",
    "rerun_run": "runs/k/rerun",
    "resolve_run": "runs/k/resolve",
    "replay_run": "runs/k/replay",
    "hold_factory": "factories/default/hold",
    "release_factory": "factories/default/release",
    "acknowledge_ledger": "health/acknowledge",
}


def post(caller: Caller, function: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and problem type of a POST with an empty body."""
    named: dict[str, Any] = {name.replace("-", "_"): value for name, value in headers.items()}
    answer = caller.call(function, "POST", POSTS[function], **named)
    body = json.loads(answer.get_body())
    return answer.status_code, str(body.get("type", "")).rpartition("/")[2]


@pytest.fixture
def signed_in() -> World:
    """A service behind App Service authentication."""
    world = World(settings=settings(WEBSITE_AUTH_ENABLED="True", WEBSITE_HOSTNAME="app.azurewebsites.net"))
    world.factory.declare("load")
    return world


@pytest.mark.parametrize("function", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {**SAME, "Sec-Fetch-Site": "cross-site"},
        {**SAME, "Sec-Fetch-Site": "same-site"},
        {**SAME, "Sec-Fetch-Site": "none"},
        {**SAME, "Content-Type": "text/plain"},
        {**SAME, "Content-Type": "application/x-www-form-urlencoded"},
        {name: value for name, value in SAME.items() if name != "Content-Type"},
        {"Content-Type": "application/json", "Cookie": "AppServiceAuthSession=x"},
        {"Content-Type": "application/json", "Origin": "https://evil.example"},
        {"Content-Type": "application/json", "Origin": "https://host:8443"},
        {"Content-Type": "application/json", "Origin": "https://host.evil.example"},
        {"Content-Type": "application/json", "Origin": "https://host:port"},
        {"Content-Type": "application/json", "Origin": "https://[evil"},
        {"Content-Type": "application/json", "Origin": "null"},
        {"Content-Type": "application/json", "Origin": ""},
        {"Origin": "https://evil.example", "x-functions-key": ""},
    ],
)
def test_a_call_that_another_sites_page_may_have_sent_is_refused(
    signed_in: World, function: str, headers: Mapping[str, str]
) -> None:
    """This holds for any call, before anything of it is read."""
    assert post(Caller(signed_in), function, headers) == (403, "cross-site")
    assert signed_in.factory.runs == {}


@pytest.mark.parametrize(
    "headers",
    [
        SAME,
        OWN,
        {**OWN, "Origin": "https://host:443"},
        {**OWN, "Origin": "https://app.azurewebsites.net"},
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"x-functions-key": "k", "Sec-Fetch-Site": "cross-site", "Origin": "https://portal.example"},
    ],
)
def test_the_console_and_programs_are_accepted(signed_in: World, headers: Mapping[str, str]) -> None:
    """A page of ours, a caller without browser headers, and one with a key in the header are accepted."""
    assert post(Caller(signed_in), "start_run", headers)[0] == 202


def test_the_public_url_is_an_origin_of_ours() -> None:
    """A gateway may be what browsers see."""
    public = {"ADF_TRIGGER_PUBLIC_BASE_URL": "https://api.example.com:8443/adf"}
    world = World(settings=settings(WEBSITE_AUTH_ENABLED="true", **public))
    world.factory.declare("load")
    assert post(Caller(world), "start_run", {**OWN, "Origin": "https://api.example.com:8443"})[0] == 202
    assert post(Caller(world), "start_run", {**OWN, "Origin": "https://api.example.com"})[0] == 403


def test_without_app_service_authentication_nothing_is_required(caller: Caller) -> None:
    """No cookie signs a browser in: the platform refuses callers without a key."""
    assert (
        post(caller, "start_run", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})[0]
        == 202
    )


def test_reading_requires_nothing(signed_in: World) -> None:
    """It has no effect, and other sites' pages cannot read the answer."""
    answer = Caller(signed_in).call("list_runs", "GET", "runs", Sec_Fetch_Site="cross-site", Cookie="x=y")
    assert answer.status_code == 200

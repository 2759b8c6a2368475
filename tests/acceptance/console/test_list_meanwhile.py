"""The console's list when something changes between a question and its answer."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route, expect

from tests.support.console import PATIENCE, Person

expect.set_options(timeout=PATIENCE)

LISTED = re.compile(r"/api/runs\?")
Query = dict[str, str]


def listed(name: str, *, status: str = "Succeeded", minute: int = 0) -> dict[str, Any]:
    """A run as the list shows it."""
    return {
        "requestId": name,
        "runId": None,
        "factory": "default",
        "pipeline": "load",
        "status": status,
        "ended": True,
        "reason": None,
        "requestedAt": f"2026-11-25T10:{59 - minute % 60:02}:00Z",
        "durationMs": 1000,
        "links": {"self": f"/api/runs/{name}"},
    }


def answer(route: Route, runs: list[dict[str, Any]], continuation: str | None = None) -> None:
    """Answer a question for the list."""
    route.fulfill(
        body=json.dumps({"runs": runs, "continuation": continuation}), content_type="application/json"
    )


def asking(person: Person, answered: Callable[[Route, Query], None]) -> None:
    """Open the list, with a service behind it that answers so."""
    person.open()
    person.page.route(
        LISTED,
        lambda route: answered(
            route, {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        ),
    )


def test_older_runs_of_another_question_are_not_taken(person: Person) -> None:
    """Older runs that come after another filter was chosen are not listed under it, nor is their continuation."""
    late: list[Route] = []
    continuations: list[str | None] = []

    def answered(route: Route, query: Query) -> None:
        if query.get("status") == "Failed":
            continuations.append(query.get("continuation"))
            older = "continuation" in query
            answer(
                route,
                [listed(f"failed-{int(older)}", status="Failed", minute=int(older))],
                None if older else "of-failed",
            )
        elif "continuation" in query:
            late.append(route)
        else:
            answer(route, [listed(f"all-{n}", minute=n) for n in range(3)], "of-all")

    asking(person, answered)
    person.page.reload()
    expect(person.row("all-0")).to_be_visible()
    expect(person.button("Loading…")).to_be_visible()
    person.button("Failed").click()
    expect(person.row("failed-0")).to_be_visible()
    expect(person.row("failed-1")).to_be_visible()
    for route in late:
        answer(route, [listed("stray", minute=9)], "of-all-2")
    person.page.wait_for_load_state("networkidle")
    expect(person.page.locator(".foot")).to_contain_text("These are all runs.")
    expect(person.row("stray")).to_have_count(0)
    assert set(continuations) == {None, "of-failed"}


def test_rare_runs_stay_listed_though_the_newest_pages_have_none(person: Person) -> None:
    """Runs that were found far behind are not forgotten when the list is loaded again."""
    asked: list[str | None] = []

    def answered(route: Route, query: Query) -> None:
        place = int(query.get("continuation", "0"))
        asked.append(query.get("continuation"))
        found = [listed("far-behind")] if place == 5 else []
        answer(route, found, None if place == 5 else str(place + 1))

    asking(person, answered)
    person.page.reload()
    row = person.row("far-behind")
    expect(row).to_be_visible()
    for _ in range(3):
        with person.page.expect_request(
            lambda each: "/api/runs?" in each.url and "continuation" not in each.url
        ):
            pass
    expect(row).to_be_visible()
    assert asked.count("5") == 1, "it is not looked for again"


def test_on_return_the_list_is_as_it_was(person: Person) -> None:
    """Search and place are kept, also where a filter was chosen and taken back."""

    def answered(route: Route, _query: Query) -> None:
        answer(route, [listed(f"number-{n:02}", minute=n) for n in range(60)])

    asking(person, answered)
    person.page.reload()
    expect(person.row("number-00")).to_be_visible()
    person.button("Failed").click()
    person.button("All").click()
    person.page.get_by_label("Search").fill("number")
    expect(person.page.locator(".foot")).to_contain_text("60 runs of 60 loaded match")
    person.page.evaluate("scrollTo(0, 1500)")
    expect(person.row("number-00")).to_have_count(0)
    person.page.route("**/api/runs/number-*", lambda route: route.fulfill(status=404, body="{}"))
    person.row("number-25").get_by_role("link").click()
    expect(person.page.locator("h1")).to_have_text("There is no such run")
    person.page.go_back()
    expect(person.page.get_by_label("Search")).to_have_value("number")
    expect(person.row("number-25")).to_be_in_viewport()


def test_the_last_hour_moves_on(person: Person) -> None:
    """A run that has become older than what was chosen leaves the list, and nothing behind it is asked for."""
    now = datetime.now(UTC).replace(microsecond=0)
    asked: list[Query] = []

    def answered(route: Route, query: Query) -> None:
        asked.append(query)
        young = {**listed("young"), "requestedAt": (now - timedelta(minutes=5)).isoformat()}
        old = {**listed("old"), "requestedAt": (now - timedelta(minutes=50)).isoformat()}
        answer(route, [young, old], "further")

    asking(person, answered)
    person.page.get_by_label("Requested").select_option("Last hour")
    expect(person.row("old")).to_be_visible()
    person.set_time(now + timedelta(minutes=20))
    expect(person.row("old")).to_have_count(0)
    expect(person.row("young")).to_be_visible()
    expect(person.button("Load older runs")).to_have_count(0)
    assert len({query["since"] for query in asked if "since" in query}) == 1, "a continuation belongs to it"


def test_held_runs_are_reported_above_the_list(person: Person) -> None:
    """With its reason, its end, and how many wait; whatever is in them, it is text."""
    held = {
        "factory": "eu",
        "pipeline": "load",
        "admissionKey": '"<b>contoso</b>"',
        "by": "ann",
        "waiting": 7,
    }
    when = {"since": "2026-11-25T10:00:00Z", "until": "2026-11-26T10:00:00Z", "reason": "deploying <i>41</i>"}
    health = {"status": "ok", "holds": [{**held, **when}]}
    person.page.route(
        re.compile(r"/api/health/details"),
        lambda route: route.fulfill(body=json.dumps(health), content_type="application/json"),
    )
    asking(person, lambda route, _: answer(route, [listed("one")]))
    banner = person.page.locator(".held")
    expect(banner).to_contain_text("deploying <i>41</i>")
    expect(banner).to_contain_text('key "<b>contoso</b>"')
    expect(banner).to_contain_text("7 requests waited")

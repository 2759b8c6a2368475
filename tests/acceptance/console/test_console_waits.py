"""The console before requests that wait: in line, joined to another one, held, or refused before they are made."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Route, expect

from tests.support.console import PATIENCE, Person
from tests.support.local_stack import TIMEOUTS, LocalStack

expect.set_options(timeout=PATIENCE)

MARKUP = "<b onclick=window.hit=1>A</b>"


def call(stack: LocalStack, path: str, body: dict[str, Any]) -> requests.Response:
    """POST to the service, with a key that allows everything."""
    headers = {"x-functions-key": stack.endpoints.functions_key}
    return requests.post(
        f"{stack.endpoints.functions_url}/api/{path}", json=body, headers=headers, timeout=TIMEOUTS
    )


@pytest.fixture
def begun(stack: LocalStack) -> Iterator[list[str]]:
    """Keys of requests that are cancelled in the end, since their runs take minutes."""
    keys: list[str] = []
    yield keys
    for key in reversed(keys):
        call(stack, f"runs/{key}/cancel", {})


def start(stack: LocalStack, begun: list[str], pipeline: str, *keys: str, customer: str) -> None:
    """Start runs of a customer, one after the other."""
    for key in keys:
        assert stack.caller.post(pipeline, {"parameters": {"customer": customer}}, key=key).status == 202
        begun.append(key)


def why(person: Person) -> Locator:
    """What a run waits for."""
    return person.page.locator(".why")


def test_a_line_is_seen_from_the_list_and_from_within(
    person: Person, stack: LocalStack, begun: list[str]
) -> None:
    """Who waits, behind how many, and by which key it is counted; the key is text, whatever is in it."""
    start(stack, begun, "counted", "line-1", "line-2", "line-3", customer=MARKUP)
    person.open()
    person.button("Waiting").click()
    expect(person.row("line-3")).to_contain_text("In line")
    expect(person.row("line-2")).to_be_visible()
    expect(person.row("line-1")).to_have_count(0)
    person.row("line-3").click()
    expect(person.page.locator(".part-head")).to_contain_text("In line")
    expect(why(person)).to_contain_text("What it waits for")
    expect(why(person)).to_contain_text("at most 1 run of counted")
    expect(why(person)).to_contain_text("1 request is ahead of it.")
    expect(person.page.locator(".part-facts code", has_text=MARKUP)).to_have_text(f'"{MARKUP}"')
    assert call(stack, "runs/line-2/cancel", {}).status_code < 300
    expect(why(person)).to_contain_text("It is next in line.")
    assert person.page.locator("main b").count() == 0
    assert person.page.evaluate("window.hit") is None


def test_a_joined_run_leads_to_the_one_that_it_has_joined(
    person: Person, stack: LocalStack, begun: list[str]
) -> None:
    """By its request; where that one is gone, the page says so, and the run itself is shown as before."""
    start(stack, begun, "joining", "first/of <i>all</i>", "joined-2", customer="A")
    person.open("runs/joined-2")
    expect(person.page.locator(".part-head")).to_contain_text("Joined")
    expect(why(person)).to_contain_text("It ends with the run of first/of <i>all</i>")
    link = person.page.locator(".part-facts").get_by_role("link", name="first/of <i>all</i>")
    link.click()
    expect(person.page.locator(".part-facts")).to_contain_text("first/of <i>all</i>")
    expect(person.page.locator(".part-head .tag")).to_have_count(0)
    gone = json.dumps({"title": "Gone", "detail": "no run has that id"})
    person.page.route(
        re.compile(r"/api/runs/first"),
        lambda route: route.fulfill(status=404, body=gone, content_type="application/problem+json"),
    )
    person.open("runs/joined-2")
    link.click()
    expect(person.page.locator("main h1")).to_have_text("Gone")


def test_a_held_run_says_so_in_the_list_and_on_its_page(
    person: Person, stack: LocalStack, begun: list[str]
) -> None:
    """With the reason of who holds it, as text."""
    reason = "deploying <img src=x onerror=window.hit=1>"
    assert call(stack, "factories/default/hold", {"pipeline": "quick", "reason": reason}).status_code == 200
    try:
        assert stack.caller.post("quick", {}, key="held-1").status == 202
        begun.append("held-1")
        person.open("runs?view=waiting")
        expect(person.row("held-1")).to_contain_text("Held")
        sentence = person.page.locator(".held p").first
        expect(sentence).to_have_css("display", "block")  # its words flow: as items they would stand apart
        person.row("held-1").click()
        expect(person.page.locator(".part-head")).to_contain_text("Held")
        expect(why(person)).to_contain_text(reason)
    finally:
        assert call(stack, "factories/default/release", {"pipeline": "quick"}).status_code == 200
    stack.eventually(lambda: stack.status("held-1") == "Succeeded")
    expect(person.page.locator(".part-head .tag")).to_have_count(0)
    assert person.page.evaluate("window.hit") is None
    assert person.page.locator("main img").count() == 0


def test_a_start_says_what_would_become_of_it(person: Person, stack: LocalStack, begun: list[str]) -> None:
    """As things are now: a run, a line, another one's run, or a refusal with the runs in the way."""
    for pipeline in ("counted", "joining", "refusing"):
        start(stack, begun, pipeline, f"{pipeline}-now", customer="B")
    expected = {
        "counted": "It would be accepted, and wait, with 0 requests ahead of it.",
        "joining": "It would join the run of joining-now",
        "refusing": "would be refused now.",
    }
    verdict = person.page.locator(".verdict")
    for pipeline, said in expected.items():
        person.open(f"start?pipeline={pipeline}")
        customer = person.page.get_by_label("customer String")
        customer.fill("another customer")
        expect(verdict).to_contain_text("it would start a run")
        customer.fill("B")
        expect(verdict).to_contain_text(said)
    verdict.get_by_role("link", name="refusing-now").click()
    expect(person.page.locator("h1")).to_have_text("refusing")


def test_a_later_service_may_say_more(person: Person) -> None:
    """A word that this page does not know is shown as it is, and a count that is none as that."""
    run = {
        "requestId": "one",
        "runId": None,
        "factory": "default",
        "pipeline": "load",
        "status": "Accepted",
        "ended": False,
        "reason": "it waits",
        "waitsFor": "<b>moon</b>",
        "requestedAt": "2026-11-25T10:00:00Z",
        "links": {"self": "/api/runs/one"},
    }
    whole: dict[str, Any] = {
        **run,
        "message": "it waits",
        "parameters": {},
        "inLine": {"before": 12_345, "exact": False},
        "joinedTo": {"requestId": "other", "runId": None},
        "errors": [],
    }

    def answer(route: Route) -> None:
        listed = "/api/runs?" in route.request.url
        body = {"runs": [run], "continuation": None} if listed else whole
        route.fulfill(body=json.dumps(body), content_type="application/json")

    person.open()
    person.page.route(re.compile(r"/api/runs(\?|/one)"), answer)
    person.button("Waiting").click()
    expect(person.row("one")).to_contain_text("<b>moon</b>")
    person.row("one").click()
    expect(why(person)).to_contain_text("About 12,345 requests are ahead of it.")
    expect(why(person)).to_contain_text("It ends with the run of other.")
    expect(person.page.locator(".part-facts")).to_contain_text("other")


def test_health_counts_what_waits_in_line(person: Person, stack: LocalStack, begun: list[str]) -> None:
    """Once a tick has counted it."""
    start(stack, begun, "counted", "health-1", "health-2", "health-3", customer="H")
    stack.tick()
    person.open("health")
    expect(person.page.get_by_role("heading", name="Waiting in line")).to_be_visible()
    expect(person.page.locator("main li", has_text="in the longest")).to_contain_text(
        "default: 2 requests in 1 line"
    )

"""The page over the local Data Factory, as a person uses it."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.axe import violations
from tests.support.console import PATIENCE, Person
from tests.support.local_stack import LocalStack

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def visitor(person: Person, stack: LocalStack) -> Person:
    """A person who opens the address of the management API in a browser, and is asked for no key."""
    person.page.goto(f"{stack.endpoints.management_url}/")
    return person


def test_runs_of_every_starter_are_listed(visitor: Person, stack: LocalStack) -> None:
    """The service's, its child runs, and one that a script has started; from one to what it has started, and why."""
    stack.caller.post("nightly", {"parameters": {"day": "monday"}}, key="seen-by-factory")
    run_id = str(stack.quickstart.client.create_run("quick", {}, client_request_id=uuid4()).run_id)
    stack.eventually(lambda: stack.status("seen-by-factory") == "Failed")
    visitor.page.get_by_label("Search").fill(run_id)
    expect(visitor.row(run_id)).to_contain_text("quick")
    visitor.button("Failed").click()
    expect(visitor.row(run_id)).to_have_count(0)
    visitor.page.get_by_label("Search").fill("")
    expect(visitor.row("settle").first).to_be_visible()
    visitor.row("nightly").first.click()
    expect(visitor.page.locator(".why")).to_contain_text("no orders arrived")
    expect(visitor.lane("Stop")).to_have_count(1)
    visitor.page.locator(".round", has_text="Child run").get_by_role("link").click()
    expect(visitor.page.locator("h1")).to_have_text("settle")
    expect(visitor.page.locator(".part-facts")).to_contain_text("pipeline nightly")


def test_pipelines_are_drawn_with_their_dependencies(visitor: Person) -> None:
    """Each activity, what it waits for, and what is inside of it."""
    visitor.page.get_by_role("link", name="Pipelines").click()
    nightly = visitor.page.locator(".pipeline", has=visitor.page.get_by_role("heading", name="nightly"))
    if nightly.get_attribute("open") is None:
        nightly.locator("summary").click()
    whole = nightly.get_by_role("img").first
    expect(whole).to_have_attribute("aria-label", re.compile("Settle after EachRegion succeeded"))
    expect(whole.locator(".node")).to_have_count(3)
    expect(whole.locator(".edge")).to_have_count(2)
    expect(nightly.get_by_role("img").nth(1).locator(".node-name")).to_have_text(["Fetch", "Note"])
    assert violations(visitor.page) == []


def test_names_stay_within_the_boxes_of_a_graph(visitor: Person, stack: LocalStack) -> None:
    """Those that are too long are cut, with a sign, and stand whole in the words of the graph."""
    broad = "W" * 55
    stack.define(
        "broad",
        {
            "activities": [
                {"name": broad, "type": "Wait", "dependsOn": [], "typeProperties": {"waitTimeInSeconds": 0}}
            ]
        },
    )
    visitor.page.get_by_role("link", name="Pipelines").click()
    broadest = visitor.page.locator(".pipeline", has=visitor.page.get_by_role("heading", name="broad"))
    broadest.wait_for()
    for closed in visitor.page.locator(".pipeline:not([open]) summary").element_handles():
        closed.click()
    expect(broadest.get_by_role("img")).to_have_attribute("aria-label", re.compile(broad))
    expect(broadest.locator(".node-name")).to_have_text(re.compile("^W+…$"))
    over = visitor.page.locator(".node").evaluate_all(
        """nodes => nodes.flatMap((node) => {
          const box = node.querySelector("rect").getBoundingClientRect();
          const texts = [...node.querySelectorAll("text")];
          const over = texts.filter((text) => text.getBoundingClientRect().right > box.right - 4);
          return over.map((text) => text.textContent);
        })"""
    )
    assert over == []
    stack.quickstart.client.pipelines.delete("broad")


def test_faults_and_progressions_are_shown(visitor: Person, stack: LocalStack) -> None:
    """As tests set them, without loading the page again."""
    visitor.page.get_by_role("link", name="Faults and progressions").click()
    expect(visitor.page.locator("main")).to_contain_text("There are no rules")
    with stack.faults({"operation": "GetRun", "fault": "delay", "seconds": 0.01}):
        stack.control("POST", "progression", {"mode": "held", "pipeline": "parked"})
        expect(visitor.page.get_by_role("table").first).to_contain_text("GetRun")
        expect(visitor.page.get_by_role("table").nth(1)).to_contain_text("held")
        assert violations(visitor.page) == []
    stack.control("DELETE", "progression")
    expect(visitor.page.locator("main")).to_contain_text("All runs run their activities for real")

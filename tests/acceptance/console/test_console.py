"""The console as a person uses it: what happens, why it failed, and what can be done about it."""

import re

import requests
from playwright.sync_api import expect

from tests.support.console import PATIENCE, Person
from tests.support.local_stack import TIMEOUTS, LocalStack

expect.set_options(timeout=PATIENCE)


def known(stack: LocalStack, pipeline: str, key: str, status: str, **body: object) -> None:
    """Start a run, and wait until the service knows of its end."""
    assert stack.caller.post(pipeline, body, key=key).status == 202
    stack.eventually(lambda: stack.status(key) == status)


def rejected(stack: LocalStack, key: str, **message: object) -> None:
    """Send a message that can never work."""
    stack.caller.send({"requestId": key, **message})
    stack.eventually(lambda: stack.status(key) == "Rejected")


def test_why_a_run_failed_is_two_clicks_away(person: Person, stack: LocalStack) -> None:
    """From the list: the failed ones, then the one; its reason stands at the top, with code and words."""
    known(stack, "nightly", "night-1", "Failed", parameters={"day": "monday"})
    person.open()
    person.button("Failed").click()
    person.row("night-1").click()
    why = person.page.locator(".why")
    expect(why).to_contain_text("Why it failed")
    expect(why).to_contain_text("Settle")
    expect(why).to_contain_text("no orders arrived")


def test_a_run_is_seen_from_the_inside(person: Person, stack: LocalStack) -> None:
    """Rounds stand below their loop and the child run below what has started it, with inputs and errors."""
    known(stack, "nightly", "night-2", "Failed", parameters={"day": "tuesday"}, metadata={"team": "sales"})
    person.open("runs/night-2")
    expect(person.page.locator(".round", has_text=re.compile("^Round"))).to_have_count(3)
    expect(person.lane("Fetch")).to_have_count(3)
    loop = person.lane("EachRegion")
    expect(loop).to_contain_text("ForEach · 3 rounds")
    loop.get_by_role("button", name="Hide the rows below EachRegion").click()
    expect(person.lane("Fetch")).to_have_count(0)
    expect(person.lane("Stop")).to_have_count(1)  # of the child run
    person.lane("Stop").get_by_role("button").click()
    expect(person.page.locator(".details")).to_contain_text("NoOrders")
    expect(person.page.locator(".details")).to_contain_text("ask the shop")
    facts = person.page.locator(".part-facts")
    expect(facts).to_contain_text("night-2")
    given = person.page.locator(".part-given")
    expect(given).to_contain_text("tuesday")
    expect(given).to_contain_text("sales")
    studio = person.page.get_by_role("link", name=re.compile("Open in Studio"))
    assert str(studio.get_attribute("href")).startswith("https://adf.azure.com/monitoring/pipelineruns/")


def test_runs_appear_as_they_happen(person: Person, stack: LocalStack) -> None:
    """A run of another caller is listed, and ends, without the page being loaded again; the strip counts it."""
    person.open()
    person.page.locator(".title").wait_for()
    stack.caller.post("quick", {"correlationId": "live"}, key="live-1")
    expect(person.row("live-1")).to_be_visible()
    stack.eventually(lambda: stack.status("live-1") == "Succeeded")
    expect(person.row("live-1")).to_contain_text("Succeeded")
    strip = person.page.get_by_role("img", name=re.compile(r"newest \d+ runs?"))
    expect(strip).to_have_attribute("aria-label", re.compile(r"\d+ succeeded"))


def test_a_child_run_is_followed_while_it_is_in_progress(person: Person, stack: LocalStack) -> None:
    """Its bars are those of now, and it is cancelled with the run that has started it."""
    stack.caller.post("waiting", {}, key="waiting-1")
    person.open("runs/waiting-1")
    bar = person.lane("Linger").locator(".span")
    expect(bar).to_have_class(re.compile("is-open"))
    person.button("Cancel…").click()
    person.dialog().get_by_role("button", name="Cancel the run").click()
    stack.eventually(lambda: stack.status("waiting-1") == "Cancelled")
    expect(person.page.locator(".part-head .badge")).to_have_text("Cancelled")
    expect(bar).not_to_have_class(re.compile("is-open"))


def test_the_list_is_narrowed_down_and_searched(person: Person, stack: LocalStack) -> None:
    """By status, pipeline, time, a typed text, and an id or a correlation id that is asked for with Enter."""
    known(stack, "quick", "narrow-1", "Succeeded", correlationId="c-narrow")
    known(stack, "settle", "narrow-2", "Failed")
    person.open()
    expect(person.row("narrow-2")).to_be_visible()
    person.button("Succeeded").click()
    expect(person.row("narrow-1")).to_be_visible()
    expect(person.row("narrow-2")).to_have_count(0)
    person.button("All").click()
    person.page.get_by_label("Pipeline", exact=True).fill("settle")
    person.page.keyboard.press("Tab")
    expect(person.row("narrow-2")).to_be_visible()
    expect(person.row("narrow-1")).to_have_count(0)
    assert "pipeline=settle" in person.page.url
    person.page.get_by_label("Pipeline", exact=True).fill("")
    person.page.keyboard.press("Tab")
    person.page.get_by_label("Requested").select_option("Last hour")
    expect(person.row("narrow-1")).to_be_visible()
    search = person.page.get_by_label("Search")
    search.fill("NoOrders")
    expect(person.row("narrow-2")).to_be_visible()
    expect(person.row("narrow-1")).to_have_count(0)
    search.fill("c-narrow")
    search.press("Enter")
    expect(person.button("Correlation id c-narrow remove")).to_be_visible()
    expect(person.page.locator(".rows .row")).to_have_count(1)
    search.fill("narrow-2")
    expect(person.row("narrow-1")).to_have_count(0)  # a slow answer finds it so, too
    search.press("Enter")
    expect(person.page.locator("h1")).to_have_text("settle")
    person.page.get_by_role("link", name="← Runs").click()
    expect(person.button("Correlation id c-narrow remove")).to_be_visible()
    expect(person.row("narrow-1")).to_be_visible()


def test_a_run_is_cancelled_with_a_note(person: Person, stack: LocalStack) -> None:
    """It is asked first; the note stands in the history."""
    stack.caller.post("slow", {}, key="too-slow")
    person.open("runs/too-slow")
    person.button("Cancel…").click()
    person.dialog().get_by_label("Note").fill("wrong day")
    person.dialog().get_by_role("button", name="Cancel the run").click()
    expect(person.page.locator(".part-history")).to_contain_text("wrong day")
    stack.eventually(lambda: stack.status("too-slow") == "Cancelled")
    expect(person.page.locator(".part-head .badge")).to_have_text("Cancelled")


def test_a_failed_run_is_rerun_once_and_leads_back(person: Person, stack: LocalStack) -> None:
    """From its failure, also by a double click; the rerun has a link to what it reruns."""
    known(stack, "settle", "again", "Failed")
    before = len(stack.runs("settle"))
    person.open("runs/again")
    person.button("Rerun…").click()
    expect(person.dialog().get_by_label("From the failed activities")).to_be_checked()
    person.dialog().get_by_role("button", name="Rerun").dblclick(no_wait_after=True)
    reruns = person.page.locator(".facts div", has_text="Reruns").get_by_role("link")
    expect(reruns).to_be_visible()
    assert len(stack.runs("settle")) == before + 1
    expect(person.page.locator(".part-facts")).to_contain_text("Attempt")
    reruns.click()
    expect(person.page.locator(".part-facts")).to_contain_text("again")
    expect(person.page.locator(".part-history")).to_contain_text("rerun")


def test_an_unclear_rerun_is_asked_for_again_under_its_key(person: Person, stack: LocalStack) -> None:
    """The answer is lost on the way and the dialog closed: a repeat, even later, gets the same rerun."""
    known(stack, "settle", "unclear", "Failed")
    before = len(stack.runs("settle"))
    person.open("runs/unclear")
    lost = re.compile(r"/rerun\b")
    person.page.route(lost, lambda route: (route.fetch(), route.abort())[1])
    person.button("Rerun…").click()
    person.dialog().get_by_role("button", name="Rerun").click()
    expect(person.dialog().get_by_role("alert")).not_to_be_empty()
    person.dialog().get_by_role("button", name="Close").click()
    person.page.unroute(lost)
    stack.eventually(lambda: all(run["status"] == "Failed" for run in stack.runs("settle")))
    stack.tick()
    person.button("Rerun…").click()
    person.dialog().get_by_role("button", name="Rerun").click()
    expect(person.page.locator(".facts div", has_text="Reruns").get_by_role("link")).to_be_visible()
    assert len(stack.runs("settle")) == before + 1


def test_a_rejected_message_is_replayed_or_dismissed(person: Person, stack: LocalStack) -> None:
    """Both are among what is to be decided, with the reason; what was replayed becomes a run."""
    rejected(stack, "early", pipeline="later")
    rejected(stack, "wrong", pipeline="quick", surprise=1)
    person.open()
    person.button("To decide").click()
    expect(person.row("early")).to_contain_text("Rejected")
    person.row("wrong").click()
    expect(person.page.locator(".why")).to_contain_text("there is no such field")
    person.button("Dismiss…").click()
    person.dialog().get_by_role("button", name="Dismiss").click()
    expect(person.page.locator("h1")).to_have_text("Runs")
    person.button("To decide").click()
    expect(person.row("early")).to_be_visible()
    expect(person.row("wrong")).to_have_count(0)
    stack.define("later")
    person.open("runs/early")
    person.button("Replay…").click()
    person.dialog().get_by_role("button", name="Replay").click()
    stack.eventually(lambda: stack.status("early") == "Succeeded")
    assert stack.caller.get("wrong").body["history"][-1]["action"] == "resolve as dismiss"
    stack.quickstart.client.pipelines.delete("later")


def test_an_unknown_run_is_adopted(person: Person, stack: LocalStack) -> None:
    """The candidates are listed; the one that is chosen is the run from then on."""
    lost = {"operation": "CreateRun", "fault": "status", "status": 500, "when": "after", "count": 1}
    with stack.faults(lost, {"fault": "missing", "seconds": 600}):
        stack.caller.post("parked", {}, key="lost")
        stack.eventually(lambda: stack.status("lost") == "Unknown")
    (run,) = stack.runs("parked")
    assert stack.decide("lost", {"as": "adopt"}).status_code == 409  # it has to name the run
    person.open("runs/lost")
    expect(person.page.locator(".why")).to_contain_text("Why its outcome is unknown")
    person.button("Decide…").click()
    person.dialog().get_by_label(re.compile(run["runId"])).check()
    person.dialog().get_by_role("button", name="Decide").click()
    expect(person.page.locator(".part-facts")).to_contain_text(run["runId"])
    stack.eventually(lambda: stack.status("lost") == "Succeeded")
    expect(person.page.locator(".part-head .badge")).to_have_text("Succeeded")


def test_a_start_is_checked_as_one_types_and_made_once(person: Person, stack: LocalStack) -> None:
    """The form is what the pipeline declares; faults stand at their fields; a double click is one run."""
    person.open("start")
    person.page.get_by_label("Pipeline").select_option("orders")
    day, depth = person.page.get_by_label("day String"), person.page.get_by_label("depth Int")
    depth.fill("many")
    expect(person.page.locator(".field", has=depth)).to_contain_text("is not a number")
    depth.fill("4")
    expect(person.page.locator(".field", has=day)).to_contain_text("the pipeline needs this parameter")
    expect(day).to_have_attribute("aria-invalid", "true")
    day.fill("friday")
    person.page.get_by_label("full Bool").select_option("true")
    person.page.get_by_label("regions Array").fill('["east"]')
    assert person.page.get_by_label("token SecureString").get_attribute("type") == "password"
    expect(person.page.locator(".verdict")).to_contain_text("it would start a run")
    assert stack.runs("orders") == []
    person.button("Start the run").dblclick(no_wait_after=True)
    expect(person.page.locator("h1")).to_have_text("orders")
    (run,) = stack.runs("orders")
    assert (run["parameters"]["day"], run["parameters"]["depth"]) == ("friday", "4")


def test_an_unclear_start_is_made_again_under_its_key(person: Person, stack: LocalStack) -> None:
    """The answer is lost on the way: the same form sent once more is the same run."""
    person.open("start?pipeline=quick")
    person.page.get_by_label("n Int").fill("7")
    expect(person.page.locator(".verdict")).to_contain_text("it would start a run")
    before = len(stack.runs("quick"))
    lost = re.compile(r"/pipelines/quick/runs$")
    person.page.route(lost, lambda route: (route.fetch(), route.abort())[1])
    person.button("Start the run").click()
    expect(person.page.locator(".verdict")).to_contain_text("It is not known whether it was accepted")
    person.page.unroute(lost)
    person.button("Try again").click()
    expect(person.page.locator("h1")).to_have_text("quick")
    assert len(stack.runs("quick")) == before + 1


def test_health_says_what_is_wrong_with_a_factory(person: Person, stack: LocalStack) -> None:
    """Each factory and the watcher, with the reason where one is not well."""
    stack.tick()
    person.open("health")
    expect(person.page.locator(".card", has_text="default")).to_contain_text("answers")
    expect(person.page.locator("main")).to_contain_text("Last tick")
    denied = {"operation": "GetFactory", "fault": "status", "status": 403}
    with stack.faults(denied):
        stack.eventually(lambda: health(stack)["status"] == "unavailable")
        expect(person.page.locator(".card", has_text="default")).to_contain_text("does not answer")
        expect(person.page.locator(".why")).to_contain_text("403")
    stack.eventually(lambda: health(stack)["status"] == "ok")
    expect(person.page.locator(".why")).to_contain_text("All is well")


def health(stack: LocalStack) -> dict[str, object]:
    """What anybody hears of the service."""
    url = f"{stack.endpoints.functions_url}/api/health"
    found: dict[str, object] = requests.get(url, timeout=TIMEOUTS).json()
    return found


def test_a_long_list_is_paged_as_one_scrolls(person: Person, stack: LocalStack) -> None:
    """More runs than the first page holds: the older ones come by the service's continuation, the oldest at last."""
    known(stack, "quick", "oldest", "Succeeded")
    starts = [{"pipeline": "quick", "requestId": f"many-{n:03}"} for n in range(100)]
    answer = requests.post(
        f"{stack.endpoints.functions_url}/api/runs",
        json={"runs": starts},
        headers={"x-functions-key": stack.endpoints.functions_key},
        timeout=TIMEOUTS,
    )
    assert answer.status_code == 200
    person.open("runs?pipeline=quick")
    expect(person.row("many-0").first).to_be_visible()
    expect(person.row("oldest")).to_have_count(0)
    for _ in range(10):
        person.page.keyboard.press("End")
        person.page.wait_for_timeout(50)
    expect(person.row("oldest")).to_be_visible()

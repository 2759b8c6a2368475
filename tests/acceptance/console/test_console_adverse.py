"""The console where things are against it: hostile texts, lost connections, wrong keys, many runs, no mouse."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from adf_trigger.functions.problem_examples import EXAMPLES
from adf_trigger.functions_host.http.keys import Keys
from tests.support.axe import violations
from tests.support.console import PATIENCE, Person
from tests.support.local_stack import MASTER_KEY, LocalStack

expect.set_options(timeout=PATIENCE)

MARKUP = "<img src=x onerror=window.hit=1>\"'><script>window.hit=1</script>"
TURNED = "abc\u202egnp.exe\u2066"
HOSTILE = f"{MARKUP} {TURNED} {'long ' * 2_000}"
NAME = (
    "load \"orders\" 'x' <img src=x onerror=window_hit()> \u202etxt"[:100].replace("<", "").replace(">", "")
)
"""Of a pipeline, as far as Data Factory lets one be called so."""
VIEWS = ("runs", "runs/night-a", "start?pipeline=orders", "health", "nowhere")
RUNS = 10_000
WAIT = {"name": "Pause", "type": "Wait", "dependsOn": [], "typeProperties": {"waitTimeInSeconds": 0}}


def test_hostile_texts_stay_texts(person: Person, stack: LocalStack) -> None:
    """Of names, parameters, labels, errors and ids: nothing runs, is asked for, or is turned around."""
    fail = {"name": "Fail", "type": "Fail", "typeProperties": {"message": HOSTILE, "errorCode": MARKUP[:60]}}
    stack.define(NAME, {"parameters": {"text": {"type": "String"}}, "activities": [fail]})
    key = f"{MARKUP} key"
    body = {"parameters": {"text": HOSTILE}, "metadata": {MARKUP[:60]: MARKUP}, "correlationId": MARKUP}
    assert stack.caller.post(NAME, body, key=key).status == 202
    person.open()
    expect(person.row(MARKUP[:20]).first).to_be_visible()
    stack.eventually(lambda: person.row("Failed").filter(has_text=MARKUP[:20]).count() > 0)
    person.row(MARKUP[:20]).first.click()
    expect(person.page.locator(".why")).to_contain_text(MARKUP)
    expect(person.page.locator(".why")).to_contain_text("abc\\u202egnp.exe\\u2066")
    expect(person.page.locator(".part-given")).to_contain_text(MARKUP)
    person.lane("Fail").get_by_role("button").click()
    expect(person.page.locator(".details")).to_contain_text(MARKUP)
    person.page.get_by_role("link", name=MARKUP).first.click()
    expect(person.page.locator(".chip bdi")).to_have_text(MARKUP)
    person.open("start")
    person.page.get_by_label("Pipeline").select_option(index=1)
    expect(person.page.locator(".field").first).to_be_visible()
    assert person.page.evaluate("window.hit") is None
    assert person.page.locator("main img, main script").count() == 0
    assert widest(person) <= 1280
    hosts = {urlsplit(request.url).netloc for request in person.requests}
    assert hosts == {urlsplit(stack.endpoints.functions_url).netloc}


def widest(person: Person) -> int:
    """How wide the page is, in pixels."""
    return int(person.page.evaluate("document.documentElement.scrollWidth"))


def test_long_numbers_are_shown_as_they_are_and_never_changed(person: Person, stack: LocalStack) -> None:
    """What a page cannot hold is refused in the form, also inside of JSON, and shown digit by digit of a run."""
    number = 9_007_199_254_740_993
    stack.define("numbers", {"parameters": {"ids": {"type": "Array"}}, "activities": [WAIT]})
    assert stack.caller.post("numbers", {"parameters": {"ids": [number]}}, key="numbers").status == 202
    person.open("runs/numbers")
    expect(person.page.locator(".part-given")).to_contain_text(str(number))
    person.open("start?pipeline=numbers")
    ids = person.page.get_by_label("ids Array")
    ids.fill(f'[{{"id": {number}}}]')
    expect(person.page.locator(".field", has=ids)).to_contain_text("more digits than this page can represent")
    stack.quickstart.client.pipelines.delete("numbers")


def test_an_empty_text_and_a_parameter_with_a_name_of_the_language_are_sent(
    person: Person, stack: LocalStack
) -> None:
    """Empty is not the same as not given, where there is a default; and no name is lost."""
    text = {"type": "String", "defaultValue": "usual"}
    stack.define("texts", {"parameters": {"note": text, "__proto__": text}, "activities": [WAIT]})
    person.open("start?pipeline=texts")
    person.page.get_by_label("Empty text for note").check()
    person.page.get_by_label("__proto__ String").fill("kept")
    expect(person.page.locator(".verdict")).to_contain_text("it would start a run")
    person.button("Start the run").click()
    expect(person.page.locator("h1")).to_have_text("texts")
    (run,) = stack.runs("texts")
    assert run["parameters"] == {"note": "", "__proto__": "kept"}
    stack.quickstart.client.pipelines.delete("texts")


def test_a_lost_connection_is_said_and_mended(person: Person, stack: LocalStack) -> None:
    """The service stops: the page says so, keeps what it shows, asks less and less often, and recovers by itself."""
    assert stack.caller.post("quick", {}, key="before").status == 202
    person.open()
    expect(person.row("before")).to_be_visible()
    stack.kill_functions()
    banner = person.page.locator(".banner")
    expect(banner).to_contain_text("Connection lost")
    expect(banner).to_contain_text(re.compile("Retrying in (4|8|15) s"))
    expect(person.row("before")).to_be_visible()
    stack.processes.restart_functions()
    assert stack.caller.post("quick", {}, key="after").status == 202
    person.button("Try now").click()
    expect(person.row("after")).to_be_visible()
    expect(banner).to_have_count(0)


def test_a_hidden_page_asks_for_nothing(person: Person) -> None:
    """And resumes when it is looked at again."""
    person.open()
    expect(person.page.locator(".rows .row").first).to_be_visible()
    hide = "value => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => value});"
    turn = f"{hide} document.dispatchEvent(new Event('visibilitychange')); }}"
    person.page.evaluate(turn, True)
    person.page.wait_for_load_state("networkidle")
    before = len(person.requests)
    person.page.wait_for_timeout(4_500)  # two turns of the poller, at its fastest
    assert len(person.requests) == before
    with person.page.expect_request(re.compile("/api/runs")):
        person.page.evaluate(turn, False)


def test_the_key_is_asked_for_and_kept_for_the_tab_alone(person: Person, stack: LocalStack) -> None:
    """A wrong one is asked for again; it goes out as a header alone, and stands in no URL and no lasting storage."""
    wrong, right = "not-the-key", stack.endpoints.functions_key
    person.open(key=wrong)
    expect(person.dialog()).to_contain_text("That key does not authorise this")
    person.sign_in()
    expect(person.page.locator(".rows .row").first).to_be_visible()
    sent = [request for request in person.requests if "/api/runs" in request.url]
    assert {request.headers.get("x-functions-key") for request in sent} == {None, wrong, right}
    assert all(right not in request.url for request in person.requests)
    assert right not in person.page.url
    assert person.page.evaluate("JSON.stringify(localStorage) + document.cookie") == "{}"
    person.button("Forget the key").click()
    expect(person.page.get_by_role("dialog", name="Sign in")).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(person.page.locator(".banner")).to_contain_text("A key is needed")
    person.button("Sign in").click()
    person.sign_in()
    expect(person.page.locator(".rows .row").first).to_be_visible()


def test_a_functions_own_key_shows_what_it_opens(person: Person, stack: LocalStack) -> None:
    """The list with the key of the list alone: optional requests ask for no other key."""
    assert stack.caller.post("quick", {}, key="by-own-key").status == 202
    person.open(key=Keys(stack.endpoints.functions_key, MASTER_KEY).of("list_runs"))
    expect(person.row("by-own-key")).to_be_visible()
    with person.page.expect_response(lambda answer: "/api/pipelines" in answer.url and answer.status == 401):
        person.page.get_by_label("Pipeline", exact=True).focus()
    expect(person.dialog()).to_have_count(0)
    person.row("by-own-key").click()
    expect(person.dialog()).to_contain_text("That key does not authorise this")


def test_faulty_settings_are_listed_one_by_one(person: Person) -> None:
    """What health answers then is a problem with all of them."""
    problem = json.dumps(EXAMPLES["settings-faulty"])

    def faulty(route: Route) -> None:
        route.fulfill(status=503, body=problem, content_type="application/problem+json")

    person.open()
    person.page.route("**/api/health/details", faulty)
    person.open("health")
    expect(person.page.locator(".why")).to_contain_text("The settings of this service are faulty")
    expect(person.page.locator(".why")).to_contain_text("ADF_TRIGGER_TABLE")


def test_everything_can_be_done_without_a_mouse(person: Person, stack: LocalStack) -> None:
    """A way past the navigation, arrows in the list, Enter and Escape; what has the focus can be seen."""
    for number in range(3):
        assert stack.caller.post("quick", {}, key=f"keyboard-{number}").status == 202
    person.open()
    expect(person.row("keyboard-2")).to_be_visible()
    keys = person.page.keyboard
    person.page.locator("body").press("Tab")
    expect(person.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("/")
    expect(person.page.get_by_label("Search")).to_be_focused()
    person.row("keyboard-2").get_by_role("link").focus()
    keys.press("ArrowDown")
    expect(person.row("keyboard-1").get_by_role("link")).to_be_focused()
    outline = "getComputedStyle(document.activeElement, '::after').outlineStyle"
    keys.press("ArrowDown")
    assert person.page.evaluate(outline) == "solid"
    keys.press("Enter")
    expect(person.page.locator(".part-facts")).to_contain_text("keyboard-0")
    stack.eventually(lambda: stack.status("keyboard-0") == "Succeeded")
    person.button("Rerun…").press("Enter")
    expect(person.dialog()).to_be_visible()
    keys.press("Escape")
    expect(person.dialog()).to_have_count(0)
    expect(person.button("Rerun…")).to_be_focused()


@pytest.fixture(scope="module")
def _night(stack: LocalStack) -> None:
    """A failed run to look at, and one of each other kind."""
    stack.caller.post("nightly", {"parameters": {"day": "monday"}}, key="night-a")
    stack.caller.send({"pipeline": "nowhere", "requestId": "refused-a"})
    stack.eventually(lambda: stack.status("night-a") == "Failed" and stack.status("refused-a") == "Rejected")


@pytest.fixture(params=[(1280, False), (390, True)], ids=["wide and light", "narrow and dark"])
def anybody(request: pytest.FixtureRequest, browser: Browser, stack: LocalStack) -> Iterator[Person]:
    """A person at a desk, and one with a phone in the dark."""
    width, dark = request.param
    person = Person(browser, stack, dark=dark, size=(width, 800))
    yield person
    person.close()
    assert person.complaints == []


@pytest.mark.usefixtures("_night")
def test_nothing_keeps_people_from_using_it(anybody: Person) -> None:
    """axe-core finds nothing in any view, nor in a dialog; nothing is wider than the window."""
    found: dict[str, Any] = {}
    for view in VIEWS:
        anybody.open(view)
        anybody.page.wait_for_load_state("networkidle")
        anybody.page.locator(".rows .row, .lane, form .field, .card, .empty").first.wait_for()
        found[view] = violations(anybody.page)
        assert widest(anybody) <= anybody.page.viewport_size["width"] if anybody.page.viewport_size else False
    anybody.open("runs/night-a")
    anybody.lane("Prepare").get_by_role("button").first.click()
    anybody.page.locator(".details").wait_for()
    found["details"] = violations(anybody.page)
    anybody.button("Rerun…").click()
    found["dialog"] = violations(anybody.page)
    assert found == {view: [] for view in found}


def test_ten_thousand_runs_stay_smooth(person: Person) -> None:
    """All can be scrolled through, and a few dozen rows are made of them at any time."""
    person.open()
    person.page.route(re.compile(r"/api/runs\?"), _many)
    person.open()
    expect(person.row("number 0 ")).to_be_visible()
    rows = person.page.locator(".rows .row")
    person.page.evaluate(
        """async () => {
          const listed = () => Number(document.querySelector('[role=table]').getAttribute('aria-rowcount')) - 1;
          const deadline = performance.now() + 50_000;
          while (listed() < 10_000 && performance.now() < deadline) {
            scrollTo(0, document.documentElement.scrollHeight);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }"""
    )
    expect(person.page.get_by_role("table")).to_have_attribute("aria-rowcount", str(RUNS + 1))
    person.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(person.row(f"number {RUNS - 1} ")).to_be_visible()
    assert rows.count() < 60
    worst = person.page.evaluate(
        """async () => {
          let worst = 0;
          for (let turn = 0; turn < 30; turn += 1) {
            scrollTo(0, Math.random() * document.documentElement.scrollHeight);
            const begun = performance.now();
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            worst = Math.max(worst, performance.now() - begun);
          }
          return worst;
        }"""
    )
    assert worst < 2_000, "a frame takes tens of milliseconds where nothing else keeps the machine busy"
    person.row("number").first.get_by_role("link").focus()
    person.page.keyboard.press("End")
    expect(person.row(f"number {RUNS - 1} ").get_by_role("link")).to_be_focused()


def _many(route: Route) -> None:
    """A page of ten thousand runs, as the service would give it."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
    begin, limit = int(query.get("continuation", "0")), int(query["limit"])
    end = min(RUNS, begin + limit)
    document = {
        "runs": [_run(n) for n in range(begin, end)],
        "continuation": str(end) if end < RUNS else None,
    }
    route.fulfill(body=json.dumps(document), content_type="application/json")


def _run(number: int) -> dict[str, Any]:
    minutes = RUNS - number
    return {
        "requestId": f"number {number} of many",
        "runId": f"00000000-0000-4000-8000-{number:012}",
        "factory": "default",
        "pipeline": f"load_{number % 7}",
        "status": "Failed" if number % 9 == 0 else "Succeeded",
        "ended": True,
        "reason": "CopyOrders: no blob" if number % 9 == 0 else None,
        "requestedAt": f"2026-11-{1 + minutes // 1440:02}T{minutes // 60 % 24:02}:{minutes % 60:02}:00Z",
        "durationMs": 1000 + number % 500,
        "links": {"self": f"/api/runs/number-{number}"},
    }

"""How long the console takes to show the runs, in a browser that has nothing of it yet, and how much it asks for."""

import time

from playwright.sync_api import Browser, Response

from tests.bench.figures import Figure
from tests.support.chromium import browser, chromium
from tests.support.local_stack import LocalStack

RUNS = 50
MOST_SECONDS = 1.0
MOST_KILOBYTES = 300


def measure(repeats: int) -> list[Figure]:
    """Open it on the local stack; nothing is measured where there is no Chromium."""
    if chromium() is None:
        return []
    seconds, kilobytes = [], []
    with LocalStack() as stack, browser() as running:
        stack.define("load")
        for number in range(RUNS):
            stack.caller.post("load", {}, key=f"run-{number}")
        _open(running, stack)  # the app is warm, as it is for who looks at it
        for _ in range(repeats):
            took, asked = _open(running, stack)
            seconds.append(took)
            kilobytes.append(asked / 1000)
    return [
        Figure(
            name="the console: from its address to the runs", unit="s", values=seconds, below=MOST_SECONDS
        ),
        Figure(name="  what it asks for, runs included", unit="KB", values=kilobytes, below=MOST_KILOBYTES),
    ]


def _open(running: Browser, stack: LocalStack) -> tuple[float, int]:
    """Seconds until the first run is shown, and bytes of all answers, in a new browser context: without a cache."""
    context = running.new_context()
    page = context.new_page()
    answers: list[Response] = []

    def heard(answer: Response) -> None:
        answers.append(answer)

    page.on("response", heard)
    path = "/api/"
    page.add_init_script(
        f"sessionStorage.setItem('adf-trigger key of {path}', '{stack.endpoints.functions_key}')"
    )
    begun = time.perf_counter()
    page.goto(f"{stack.endpoints.functions_url}/api/console/")
    page.locator(".rows .row").first.wait_for()
    took = time.perf_counter() - begun
    asked = sum(len(answer.body()) for answer in answers if answer.ok)
    context.close()
    return took, asked

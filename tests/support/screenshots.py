"""Pictures of the console for the documents: `make screenshots`."""

import json
import sys
from pathlib import Path
from typing import Any

from adf_trigger.functions_host import environment
from tests.support.chromium import browser, chromium
from tests.support.console import PIPELINES, Person
from tests.support.local_stack import MASTER_KEY, LocalStack

FOLDER = Path(__file__).parents[2] / "docs"
MOST_BYTES = 150_000
WAITS = (0, 1, 0, 2, 1, 0, 3, 1, 0, 0, 2, 1)
NO_WAIT, A_WAIT = '"waitTimeInSeconds": 0', '"waitTimeInSeconds": 2'
"""Activities of a test take no time, which shows as empty bars."""
NIGHTS = ("2026-11-23", "2026-11-24", "2026-11-25")


def _step(name: str, kind: str, *after: str, condition: str = "Succeeded") -> dict[str, Any]:
    waits = [{"activity": each, "dependencyConditions": [condition]} for each in after]
    return {"name": name, "type": kind, "dependsOn": waits, "typeProperties": {"waitTimeInSeconds": 1}}


WAREHOUSE = {
    "description": "Loads customers and orders side by side, then the totals; tells somebody where a load fails.",
    "parameters": {"day": {"type": "String"}, "full": {"type": "Bool", "defaultValue": False}},
    "activities": [
        _step("LookUpDay", "Wait"),
        _step("LoadCustomers", "Wait", "LookUpDay"),
        _step("LoadOrders", "Wait", "LookUpDay"),
        _step("Totals", "Wait", "LoadCustomers", "LoadOrders"),
        _step("TellOnCall", "Wait", "LoadOrders", condition="Failed"),
        _step("CleanUp", "Wait", "Totals", condition="Completed"),
    ],
}


def main() -> int:
    """Take all pictures; return the exit code."""
    if chromium() is None:
        sys.stderr.write("There is no Chromium to take them with: `apt-get install chromium` brings one.\n")
        return 1
    with LocalStack(settings={environment.MASTER_KEY: MASTER_KEY}) as stack, browser() as running:
        fill(stack)
        for name, view, dark, size in (
            ("console-list", "runs", False, (1280, 760)),
            ("console-run", f"runs/nightly-{NIGHTS[-1]}", False, (1280, 900)),
            ("console-dark", f"runs/nightly-{NIGHTS[-1]}", True, (1280, 900)),
            ("console-phone", "runs", True, (390, 760)),
        ):
            person = Person(running, stack, dark=dark, size=size)
            person.open(view)
            person.page.locator(".rows .row, .lane").first.wait_for()
            person.page.wait_for_timeout(1_000)  # the child run's activities are requested, too
            picture = person.page.screenshot(path=FOLDER / f"{name}.png")
            person.close()
            if not report(name, picture):
                return 1
        person = Person(running, stack, size=(1280, 760))
        person.page.goto(f"{stack.endpoints.management_url}/")
        person.page.get_by_role("link", name="Pipelines").click()
        for name in ("load_warehouse", "nightly"):
            summary = person.page.locator(".pipeline summary", has_text=name)
            if summary.locator("..").get_attribute("open") is None:
                summary.click()
        person.page.wait_for_timeout(500)
        picture = person.page.screenshot(path=FOLDER / "console-factory.png")
        person.close()
        return 0 if report("console-factory", picture) else 1


def report(name: str, picture: bytes) -> bool:
    """Print the picture that was taken; whether it is small enough."""
    sys.stdout.write(f"docs/{name}.png  {len(picture):,} bytes\n")
    if len(picture) <= MOST_BYTES:
        return True
    sys.stderr.write(f"{name} has more than {MOST_BYTES:,} bytes\n")
    return False


def fill(stack: LocalStack) -> None:
    """Runs of a typical week: most succeed, one fails each night, one message is wrong, one run is active."""
    for name, properties in PIPELINES.items():
        stack.define(name, json.loads(json.dumps(properties).replace(NO_WAIT, A_WAIT)))
    wait = {"type": "Expression", "value": "@pipeline().parameters.seconds"}
    pause = {"name": "Copy", "type": "Wait", "typeProperties": {"waitTimeInSeconds": wait}}
    stack.define("load_warehouse", WAREHOUSE)
    stack.define("load_orders", {"parameters": {"seconds": {"type": "Int"}}, "activities": [pause]})
    stack.caller.send({"pipeline": "load_orders", "requestId": "orders-4711", "surprise": 1})
    for night in NIGHTS:
        stack.caller.post("nightly", {"parameters": {"day": night}}, key=f"nightly-{night}")
        for number, seconds in enumerate(WAITS):
            key = f"orders-{night}-{number:02}"
            stack.caller.post("load_orders", {"parameters": {"seconds": seconds}}, key=key)
    stack.eventually(lambda: all(stack.status(f"nightly-{night}") == "Failed" for night in NIGHTS))
    orders = [f"orders-{night}-{number:02}" for night in NIGHTS for number in range(len(WAITS))]
    stack.eventually(lambda: all(stack.status(each) == "Succeeded" for each in orders))
    stack.caller.post("slow", {}, key="refresh-warehouse")


if __name__ == "__main__":
    sys.exit(main())

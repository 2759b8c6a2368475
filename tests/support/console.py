"""A person's actions on the console, and pipelines that give it content."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, ViewportSize

from tests.support.local_stack import LocalStack

PATIENCE = 60_000
"""Time limit for every wait on the page, in milliseconds."""
_OF_AN_ANSWER = "Failed to load resource"
"""Chromium's own log of an answer like 404, or of none: the page has a better text for it."""

NOTHING = "no orders arrived\nask the shop"


def _after(name: str) -> list[dict[str, Any]]:
    return [{"activity": name, "dependencyConditions": ["Succeeded"]}]


def _wait(name: str, after: str | None = None, seconds: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "type": "Wait",
        "typeProperties": {"waitTimeInSeconds": seconds},
        "dependsOn": [] if after is None else _after(after),
    }


def _child(name: str, pipeline: str, after: str | None = None, *, waits: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "type": "ExecutePipeline",
        "typeProperties": {
            "pipeline": {"referenceName": pipeline, "type": "PipelineReference"},
            "waitOnCompletion": waits,
        },
        "dependsOn": [] if after is None else _after(after),
    }


PIPELINES: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "parameters": {"n": {"type": "Int", "defaultValue": 0}},
        "activities": [_wait("Pause")],
    },
    "slow": {"activities": [_wait("Pause", seconds=300)]},
    "lingering": {"activities": [_wait("Linger", seconds=300)]},
    "waiting": {
        "activities": [_child("Start", "lingering", waits=False), _wait("Stay", after="Start", seconds=300)]
    },
    **{
        name: {
            "parameters": {"customer": {"type": "String", "defaultValue": ""}},
            "activities": [_wait("Pause", seconds=300)],
        }
        for name in ("counted", "joining", "refusing")
    },
    "parked": {"activities": [_wait("Pause")]},
    "settle": {
        "activities": [
            _wait("Look"),
            {
                "name": "Stop",
                "type": "Fail",
                "typeProperties": {"message": NOTHING, "errorCode": "NoOrders"},
                "dependsOn": _after("Look"),
            },
        ]
    },
    "orders": {
        "description": "Loads a day of orders, each region in turn.",
        "parameters": {
            "day": {"type": "String"},
            "depth": {"type": "Int", "defaultValue": 3},
            "full": {"type": "Bool", "defaultValue": False},
            "regions": {"type": "Array", "defaultValue": ["north", "south", "west"]},
            "token": {"type": "SecureString", "defaultValue": "t0ken"},
        },
        "activities": [_wait("Prepare")],
    },
    "nightly": {
        "parameters": {"day": {"type": "String"}},
        "variables": {"seen": {"type": "Array"}},
        "activities": [
            _wait("Prepare"),
            {
                "name": "EachRegion",
                "type": "ForEach",
                "dependsOn": _after("Prepare"),
                "typeProperties": {
                    "items": {"value": "@createArray('north', 'south', 'west')", "type": "Expression"},
                    "activities": [
                        _wait("Fetch"),
                        {
                            "name": "Note",
                            "type": "AppendVariable",
                            "dependsOn": _after("Fetch"),
                            "typeProperties": {"variableName": "seen", "value": "@item()"},
                        },
                    ],
                },
            },
            _child("Settle", "settle", "EachRegion"),
        ],
    },
}


def _new_window(browser: Browser, size: tuple[int, int], *, dark: bool) -> Page:
    context = browser.new_context(
        viewport=ViewportSize(width=size[0], height=size[1]),
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",  # what turns is painted sixty times a second otherwise
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


class Person:
    """A person at the page, in a browser of their own.

    Args:
        browser: a running one.
        stack: behind the page.
        dark: whether they prefer dark mode.
        size: of their window.
        window: one that another person has left; None opens a new one, which costs half a second of CPU time.
    """

    def __init__(
        self,
        browser: Browser,
        stack: LocalStack,
        *,
        dark: bool = False,
        size: tuple[int, int] = (1280, 800),
        window: Page | None = None,
    ) -> None:
        self.stack = stack
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        self._has_moved_time = False
        self.page = window or _new_window(browser, size, dark=dark)
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._catch)
        self.page.on("request", self._note)

    def close(self) -> None:
        """Close the window."""
        self.page.context.close()

    def leave(self) -> Page | None:
        """Reset the window for the next person; None where that is impossible, and it is closed."""
        if self._has_moved_time or len(self.page.context.pages) > 1:
            self.close()
            return None
        self.page.remove_listener("console", self._hear)
        self.page.remove_listener("pageerror", self._catch)
        self.page.remove_listener("request", self._note)
        self.page.unroute_all(behavior="ignoreErrors")
        if self.page.url.startswith("http"):
            self.page.evaluate("sessionStorage.clear(); localStorage.clear()")
        self.page.context.clear_cookies()
        self.page.goto("about:blank")
        return self.page

    def set_time(self, now: datetime) -> None:
        """Have the page's clock show a time, permanently."""
        self._has_moved_time = True
        self.page.clock.set_fixed_time(now)

    def open(self, view: str = "runs", *, key: str | None = None) -> None:
        """Open a view by its address, and sign in where the page asks for a key."""
        console = f"{self.stack.endpoints.functions_url}/api/console/"
        was_there = self.page.url.partition("#")[0] == console
        self.page.goto(f"{console}#/{view}")
        if was_there:  # only the fragment has changed: the page has stayed
            self.page.reload()
        self.page.locator("main h1, dialog[open]").first.wait_for()
        if key is not None or not self.page.evaluate("sessionStorage.length"):
            self.sign_in(key)

    def sign_in(self, key: str | None = None) -> None:
        """Answer the page's question for the key."""
        dialog = self.page.get_by_role("dialog", name="Sign in")
        dialog.get_by_label("Function key").fill(key or self.stack.endpoints.functions_key)
        self.page.keyboard.press("Enter")

    def row(self, text: str) -> Locator:
        """The row of the list that contains a text."""
        return self.page.locator(".rows .row").filter(has_text=text)

    def button(self, name: str) -> Locator:
        """A button, by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def lane(self, name: str) -> Locator:
        """A line of the timeline."""
        return self.page.locator(".lane").filter(has=self.page.locator(".name", has_text=name))

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _catch(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_OF_AN_ANSWER):
            self.complaints.append(message.text)

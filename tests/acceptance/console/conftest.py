"""A person before the console: a browser, and a stack behind the page."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import browser as started_browser
from tests.support.chromium import chromium
from tests.support.console import PIPELINES, Person
from tests.support.local_stack import LocalStack

COUNTED = {"atOnce": 1, "key": "parameters.customer"}
POLICY = json.dumps(
    {
        "parked": {"unknownOutcome": "park"},
        "counted": {"admission": COUNTED},
        "joining": {"admission": {**COUNTED, "overflow": "join"}},
        "refusing": {"admission": {**COUNTED, "overflow": "refuse"}},
    }
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    if chromium() is None:
        pytest.skip("there is no Chromium: `apt-get install chromium` brings one")
    with started_browser() as running:
        yield running


@pytest.fixture(scope="session")
def stack(warm: str) -> Iterator[LocalStack]:
    """One stack, with pipelines that succeed, fail, loop, retry, start others, and have secrets."""
    if chromium() is None:
        pytest.skip("there is no Chromium: `apt-get install chromium` brings one")
    with LocalStack(warm=warm, settings={"ADF_TRIGGER_POLICY": POLICY}) as running:
        for name, properties in PIPELINES.items():
            running.define(name, properties)
        yield running


@pytest.fixture(scope="module")
def windows(browser: Browser) -> list[Page]:  # noqa: ARG001  # they end with it
    """The window of those before, once they have left it."""
    return []


@pytest.fixture
def person(browser: Browser, windows: list[Page], stack: LocalStack) -> Iterator[Person]:
    """Somebody who has opened no page yet. What the page complains about in its console is a fault."""
    person = Person(browser, stack, window=windows.pop() if windows else None)
    yield person
    if (left := person.leave()) is not None:
        windows.append(left)
    assert person.complaints == []

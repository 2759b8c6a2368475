"""A person before the console: a browser, and a stack behind the page."""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import browser as running_browser
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


@dataclass(frozen=True, slots=True)
class Started:
    """A running browser.

    Attributes:
        windows: those that nobody is before any more.
        end: closes it.
    """

    browser: Browser
    windows: list[Page]
    end: ExitStack


STARTED = pytest.StashKey[Started]()


@pytest.fixture(scope="module")
def started(pytestconfig: pytest.Config) -> Started:
    """One browser for the tests of this folder: see `pytest_runtest_teardown`."""
    if chromium() is None:
        pytest.skip("there is no Chromium: `apt-get install chromium` brings one")
    if STARTED not in pytestconfig.stash:
        end = ExitStack()
        pytestconfig.stash[STARTED] = Started(end.enter_context(running_browser()), [], end)
        pytestconfig.add_cleanup(end.close)  # where the run is interrupted
    return pytestconfig.stash[STARTED]


@pytest.fixture(scope="module")
def browser(started: Started) -> Browser:
    """The browser."""
    return started.browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Close the browser after the last test of this folder: its event loop would be in the way of other tests'."""
    try:
        return (yield)
    finally:
        here = Path(__file__).parent
        if STARTED in item.config.stash and (nextitem is None or here not in nextitem.path.parents):
            item.config.stash[STARTED].end.close()
            del item.config.stash[STARTED]


@pytest.fixture(scope="session")
def stack(warm: str) -> Iterator[LocalStack]:
    """One stack, with pipelines that succeed, fail, loop, retry, start others, and have secrets."""
    if chromium() is None:
        pytest.skip("there is no Chromium: `apt-get install chromium` brings one")
    with LocalStack(warm=warm, settings={"ADF_TRIGGER_POLICY": POLICY}) as running:
        for name, properties in PIPELINES.items():
            running.define(name, properties)
        yield running


@pytest.fixture
def person(started: Started, stack: LocalStack) -> Iterator[Person]:
    """A person who has opened no page yet. Every complaint in the page's console fails the test."""
    windows = started.windows
    person = Person(started.browser, stack, window=windows.pop() if windows else None)
    yield person
    if (left := person.leave()) is not None:
        windows.append(left)
    assert person.complaints == []

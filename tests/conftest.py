"""What all tests share."""

import gc
import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# How long an example takes says how busy the machine is; what hangs is ended by the time limit of the whole test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

TOGETHER = ("tests/acceptance/azure_names/", "tests/acceptance/console/")
"""Folders whose files share a stack: all on one worker, so that not each worker starts a stack for its part of them."""

SLOW_FILES = (
    *TOGETHER,
    "tests/acceptance/crash/test_killed_",
    "tests/acceptance/chaos/test_chaos_s",
    "tests/acceptance/stack/test_up",
    "tests/acceptance/chaos/",
    "tests/acceptance/service/test_health_process.py",
    "tests/acceptance/service/test_messages.py",
    "tests/unit/service/test_state_machine.py",
    "tests/unit/emulator/hosting/test_factory_robustness.py",
    "tests/acceptance/",
)
"""Beginnings of the paths of what takes longest, which a worker must not begin when the others are done."""


UNMEASURED = (
    "tests/acceptance/",
    "tests/integration/client/",
    "tests/integration/emulator/",
    "tests/integration/functions_host/",
    "tests/integration/infra/",
    "tests/integration/local/",
    "tests/integration/test_other_systems.py",
    "tests/integration/upgrade/",
    "tests/unit/bench/",
    "tests/unit/emulator/",
    "tests/unit/functions_host/",
    "tests/unit/infra/",
    "tests/unit/local/",
    "tests/unit/mutation/",
    "tests/unit/test_architecture.py",
    "tests/unit/test_documents.py",
    "tests/unit/test_import_circles.py",
    "tests/unit/test_locks.py",
    "tests/unit/test_module_sizes.py",
)
"""Beginnings of the paths of tests that say nothing of the coverage of deployed code: tracing doubles their cost."""


Tracing = tuple[Any, Any]
"""What traces this thread, and the threads that begin."""

NOTHING: Tracing = (None, None)
MEASURE = pytest.StashKey[Tracing]()


@contextmanager
def tracing(wanted: Tracing) -> Iterator[Tracing]:
    """Trace so meanwhile, which for coverage is everything or nothing; gives what there was before."""
    before = sys.gettrace(), threading.gettrace()
    threading.settrace(wanted[1])
    sys.settrace(wanted[0])
    try:
        yield before
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """Gives each worker whole files, and one worker all files of a folder whose stack they share."""

    def _split_scope(self, nodeid: str) -> str:
        return next(filter(nodeid.startswith, TOGETHER), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Distribute so with `--dist loadfile`."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while ten thousand tests are collected, nor in them later: half of the time went there.

    Every worker collects, which imports the same; one of them says what that reaches.
    """
    gc.disable()
    try:
        with nullcontext() if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0" else tracing(NOTHING):
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, so that the quick ones fill the end; within a file nothing moves."""

    def place(item: pytest.Item) -> int:
        found = (number for number, start in enumerate(SLOW_FILES) if item.nodeid.startswith(start))
        return next(found, len(SLOW_FILES))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Trace what tests do, and not what pytest does around each of ten thousand."""
    with tracing(NOTHING) as measure:
        session.config.stash[MEASURE] = measure
        return (yield)


def of(item: pytest.Item) -> Tracing:
    """What traces a test and its fixtures."""
    return NOTHING if item.nodeid.startswith(UNMEASURED) else item.config.stash[MEASURE]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the fixtures."""
    with tracing(of(item)):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no property: what drawn examples reach differs from run to run, and a floor must not hang on luck."""
    drawn = is_hypothesis_test(getattr(item, "obj", None))
    with tracing(NOTHING if drawn or item.get_closest_marker("untraced") else of(item)):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Measure how the fixtures end."""
    with tracing(of(item)):
        return (yield)

"""What all tests share."""

import gc
import sys
import threading
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is; what hangs is ended by the time limit of the whole test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

SLOW_FILES = (
    "tests/acceptance/crash/test_killed_",
    "tests/acceptance/chaos/test_chaos_s",
    "tests/acceptance/stack/test_up",
    "tests/acceptance/chaos/",
    "tests/acceptance/service/test_health_process.py",
    "tests/acceptance/service/test_messages.py",
    "tests/unit/service/test_state_machine.py",
    "tests/unit/emulator/hosting/test_factory_robustness.py",
    "tests/acceptance/azure_names/",
    "tests/acceptance/",
)
"""Beginnings of the paths of what takes longest, which a worker must not begin when the others are done."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while ten thousand tests are collected, nor in them later: half of the time went there."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


UNMEASURED = (
    "tests/integration/emulator/",
    "tests/unit/bench/",
    "tests/unit/emulator/",
    "tests/unit/functions_host/",
    "tests/unit/infra/",
    "tests/unit/mutation/",
    "tests/unit/service/test_state_machine.py",  # the tests of the rooms reach the same, and reach it in every run
    "tests/unit/test_architecture.py",
    "tests/unit/test_import_circles.py",
    "tests/unit/test_module_sizes.py",
)
"""Beginnings of the paths of tests that say nothing of the coverage of deployed code: tracing doubles their cost."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace where there is something to measure; the slowest files first, so that the quick ones fill the end.

    Within a file nothing moves.
    """
    for item in items:
        if item.nodeid.startswith(UNMEASURED):
            item.add_marker(pytest.mark.no_cover)

    def place(item: pytest.Item) -> int:
        found = (number for number, start in enumerate(SLOW_FILES) if item.nodeid.startswith(start))
        return next(found, len(SLOW_FILES))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Trace nothing where pytest-cov is told so: in a worker it stops one of two measures, which resumes the other."""
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    traced, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(in_threads)
        sys.settrace(traced)

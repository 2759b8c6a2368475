"""Runs `python -m adf_trigger.local up` as a process for a test, and leaves nothing of it."""

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.stack.up_process import Up


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Up]]:
    """Starts `up` with options; whatever is left of it afterwards is killed."""
    started: list[Up] = []

    def start(*options: str, wrapper: tuple[str, ...] = (), json: bool = True, warm: str | None = None) -> Up:
        folder = tmp_path_factory.mktemp("up")
        running = Up(folder, *options, wrapper=wrapper, json=json, warm=warm)
        started.append(running)
        return running

    yield start
    for running in started:
        running.clean_up()

"""Steps before which a test runs a callback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class HeldUp:
    """Steps of a process that can be paused before one of them."""

    def __init__(self) -> None:
        self._before = ""
        self._meanwhile: Callable[[], object] = lambda: None

    def hold(self, before: str, meanwhile: Callable[[], object]) -> None:
        """Run a callback before the next step of that name."""
        self._before, self._meanwhile = before, meanwhile

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        if name == self._before:
            self._before = ""
            self._meanwhile()
        yield

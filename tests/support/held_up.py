"""Steps at which a test lets something happen in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class HeldUp:
    """Steps of a process that can be made to stand still before one of them."""

    def __init__(self) -> None:
        self._before = ""
        self._meanwhile: Callable[[], object] = lambda: None

    def hold(self, before: str, meanwhile: Callable[[], object]) -> None:
        """Let something happen before the next step of that name."""
        self._before, self._meanwhile = before, meanwhile

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        if name == self._before:
            self._before = ""
            self._meanwhile()
        yield

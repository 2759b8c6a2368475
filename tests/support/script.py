"""Steps at which a process is killed, or paused while another one works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Crashed(BaseException):
    """The process is gone. Not an Exception: nothing in the service may catch it."""


class Script:
    """Steps that crash, pause or interleave on command.

    Attributes:
        crash: name of the step to crash at, and whether after its effect.
        meanwhile: what another process does, once, while this one is paused before a step.
        hit: names of the steps that were reached.
    """

    def __init__(self) -> None:
        self.crash: tuple[str, bool] | None = None
        self.meanwhile: tuple[str, Callable[[], object]] | None = None
        self.hit: set[str] = set()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        self.hit.add(name)
        if self.meanwhile and self.meanwhile[0] == name:
            _, other = self.meanwhile
            self.meanwhile = None
            other()
        self._crash_at(name, after=False)
        yield
        self._crash_at(name, after=True)

    def _crash_at(self, name: str, *, after: bool) -> None:
        if self.crash == (name, after):
            self.crash = None
            raise Crashed

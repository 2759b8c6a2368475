"""Routes that match paths case-insensitively, as Azure does."""

import re
from collections.abc import Callable, Sequence

from starlette.routing import Route


class CaselessRoute(Route):
    """A route that matches its path case-insensitively."""

    def __init__(self, path: str, endpoint: Callable[..., object], *, methods: Sequence[str]) -> None:
        super().__init__(path, endpoint, methods=list(methods))
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)

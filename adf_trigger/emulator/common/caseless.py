"""Routes as Azure has them: paths are matched without regard to case."""

import re
from collections.abc import Callable, Sequence

from starlette.routing import Route


class CaselessRoute(Route):
    """A route whose path is matched without regard to case."""

    def __init__(self, path: str, endpoint: Callable[..., object], *, methods: Sequence[str]) -> None:
        super().__init__(path, endpoint, methods=list(methods))
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)

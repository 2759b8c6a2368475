"""Builds all links to runs and messages.

Links are relative, or begin with the URL of the settings; a request's headers (Host and the like) are not trusted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from adf_trigger.request_ids import as_guid, in_path


@dataclass(frozen=True, slots=True)
class Links:
    """Builds links.

    Attributes:
        root: prefix of each: `/api`, or the URL under which callers reach that, without a trailing slash.
    """

    root: str = "/api"

    def run(self, request_id: str, *below: str, **query: str | None) -> str:
        """The link to a run, or to what is below it.

        Args:
            request_id: of the run.
            below: further segments, such as `result`.
            query: parameters; those that are None are left out.
        """
        # Callers use runIds as keys: such a key may be the id of another run, too, and a link has to be unambiguous.
        if as_guid(request_id) is not None:
            query["by"] = "requestId"
        return self._written(request_id, below, query)

    def message(self, message_id: str, *below: str) -> str:
        """The link to a rejected message, or to what is below it; its id may be the key of a request, too."""
        return self._written(message_id, below, {"by": "messageId"})

    def _written(self, named: str, below: Sequence[str], query: Mapping[str, str | None]) -> str:
        path = "/".join((self.root, "runs", in_path(named), *below))
        given = {name: value for name, value in query.items() if value is not None}
        return f"{path}?{urlencode(given)}" if given else path

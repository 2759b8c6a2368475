"""Where callers find things: the one place in which a link is written.

Links are relative, or begin with what the settings say; a request's own headers (Host and the like) are anybody's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from adf_trigger.request_ids import as_guid, in_path


@dataclass(frozen=True, slots=True)
class Links:
    """Writes links.

    Attributes:
        root: what stands before each: `/api`, or the URL under which callers reach that, without a slash at its end.
    """

    root: str = "/api"

    def run(self, request_id: str, *below: str, **query: str | None) -> str:
        """The link to a run, or to what is below it.

        Args:
            request_id: of the run.
            below: further segments, such as `result`.
            query: parameters; those that are None are left out.
        """
        # Callers take runIds for keys: such a key may mean another run, too, and who follows a link has no choice.
        if as_guid(request_id) is not None:
            query["by"] = "requestId"
        return self._written(request_id, below, query)

    def message(self, message_id: str, *below: str) -> str:
        """The link to a rejected message, or to what is below it: its id may be the key of a request, too."""
        return self._written(message_id, below, {"by": "messageId"})

    def _written(self, named: str, below: Sequence[str], query: Mapping[str, str | None]) -> str:
        path = "/".join((self.root, "runs", in_path(named), *below))
        given = {name: value for name, value in query.items() if value is not None}
        return f"{path}?{urlencode(given)}" if given else path

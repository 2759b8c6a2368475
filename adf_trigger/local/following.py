"""Reports each run once, as soon as it has ended, by polling the service's list of runs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from adf_trigger.local.stack.endpoints import Endpoints

_PERIOD_SECONDS = 1.0
_TIMEOUTS = (2.0, 10.0)
_MOST_PAGES = 5
_REMEMBERED = 10_000


class Follower:
    """A thread that polls until it is stopped. Polls that fail are repeated.

    Args:
        endpoints: of the stack.
        report: called in that thread with the view of each run that has ended since the start.
        since: runs requested before this time are not reported.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        report: Callable[[Mapping[str, Any]], None],
        *,
        since: datetime | None = None,
    ) -> None:
        self._url = f"{endpoints.functions_url}/api/runs"
        self._headers = {"x-functions-key": endpoints.functions_key}
        self._since = (since or datetime.now(UTC)).isoformat()
        self._report = report
        self._reported: dict[str, None] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="following runs", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(sum(_TIMEOUTS))

    def _follow(self) -> None:
        while not self._stop.wait(_PERIOD_SECONDS):
            self.poll()

    def poll(self) -> None:
        """Poll once, and report the runs that have ended since the last poll."""
        ended = [run for run in self._listed() if run.get("ended") and _id(run) not in self._reported]
        for run in reversed(ended):  # the list has the newest first
            self._reported[_id(run)] = None
            self._report(run)
        while len(self._reported) > _REMEMBERED:
            del self._reported[next(iter(self._reported))]

    def _listed(self) -> Iterator[Mapping[str, Any]]:
        query = {"since": self._since}
        for _ in range(_MOST_PAGES):
            page = self._page(query)
            runs = page.get("runs")
            yield from (run for run in runs if isinstance(run, dict)) if isinstance(runs, list) else ()
            if not page.get("continuation") or self._stop.is_set():
                return
            query = {**query, "continuation": str(page["continuation"])}

    def _page(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            reply = requests.get(self._url, params=query, headers=self._headers, timeout=_TIMEOUTS)
            page = reply.json() if reply.status_code == requests.codes.ok else {}
        except (requests.RequestException, ValueError):  # the service is restarting, or is another app
            return {}
        return page if isinstance(page, dict) else {}


def _id(run: Mapping[str, Any]) -> str:
    return f"{run.get('factory')}|{run.get('requestId')}|{run.get('status')}|{run.get('endedAt')}"

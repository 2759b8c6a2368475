"""The state of routes for operators: which are failing, and which deliveries were given up."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

ROUTE_STATES = "route|"
"""Notes of routes, in the scope of the app."""

LISTED_FOR = timedelta(days=7)
"""How long health lists deliveries that were given up."""

_State = dict[str, Any]
"""The value of a route's note."""


class RouteStates:
    """Notes changes of the state of routes; a delivery or a failure like the last one is not written.

    Args:
        notes: where states are kept.
        clock: returns the current time.
        steps: surrounds each effect.
    """

    def __init__(self, notes: Notes, clock: Clock, steps: Steps) -> None:
        self._notes = notes
        self._clock = clock
        self._steps = steps
        self._down: dict[str, bool] = {}
        self._lock = threading.Lock()

    def is_up(self, route: str) -> None:
        """Record that the route has accepted an event."""
        with self._lock:
            known, self._down[route] = self._down.get(route), False
        if known is not False:
            self._change(route, lambda state: {**state, "down": False} if state.get("down") else state)

    def is_down(self, route: str, why: str) -> None:
        """Record that the route has not accepted an event."""
        with self._lock:
            known, self._down[route] = self._down.get(route), True
        if known is not True:
            down = {"down": True, "since": self._clock().isoformat(), "why": why}
            self._change(route, lambda state: state if state.get("down") else {**state, **down})

    def has_given_up(self, route: str) -> None:
        """Record that an event was given up along the route."""
        now = self._clock().isoformat()
        self._change(route, lambda state: {**state, "givenUp": int(state.get("givenUp", 0)) + 1, "at": now})

    def _change(self, route: str, change: Callable[[_State], _State]) -> None:
        """Write a change of state. A failure of the ledger does not fail a delivery."""
        try:
            note = self._notes.get(APP_SCOPE, f"{ROUTE_STATES}{route}")
            before: _State = {} if note is None else note.value
            after = change(before)
            if after == before:
                return
            with self._steps("routes.note"):
                self._notes.put(APP_SCOPE, f"{ROUTE_STATES}{route}", after, "" if note is None else note.etag)
        except LedgerError as exc:
            with self._lock:
                self._down.pop(route, None)  # the next change is written
            logger.warning(
                "The state of route %s could not be written: %s",
                route,
                exc,
                extra={"action": "route_not_noted", "route": route, "error": type(exc).__name__},
            )


def listed_routes(notes: Sequence[Note], now: datetime) -> list[Mapping[str, Any]]:
    """Routes that fail now, or gave up a delivery recently, for operators."""
    found: list[Mapping[str, Any]] = []
    for note in notes:
        state, route = note.value, note.name.removeprefix(ROUTE_STATES)
        down = bool(state.get("down"))
        lately = bool(state.get("givenUp")) and now - datetime.fromisoformat(state["at"]) < LISTED_FOR
        if down or lately:
            shown: dict[str, Any] = {"route": route, "down": down}
            shown |= {"since": state.get("since"), "why": state.get("why")} if down else {}
            shown |= {"givenUp": state["givenUp"], "lastGivenUpAt": state["at"]} if lately else {}
            found.append(shown)
    return found

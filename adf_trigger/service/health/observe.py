"""The timer's checks of the service's dependencies, written into the ledger for health's readers.

On Azure the timer and the HTTP functions run on different instances, and the health is public: a request for it
costs no call of Data Factory, and does not wait for one that hangs.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, TryLater
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.messages.limits import shortened_together
from adf_trigger.service.apps.own_notes import HEALTH_NOTE
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.side_threads import Begin, begin
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

NOT_ASKED = "could not be checked: no thread could be started"

OBSERVED_TOGETHER = 8
"""Maximum components that are checked concurrently."""
ASKED_IN_TURN = 4
"""Maximum factories that are checked each time: 960 calls an hour with a timer of 15 seconds."""
MAX_COMPONENTS = 60
"""Maximum components that a report lists: it has to fit into a note. Those that do not answer come first."""
MAX_REASON = 1_500
MAX_REASONS = 14_000
MAX_WARNINGS = 5_000
"""Characters of ASCII JSON that the reasons of all components have together, and all warnings, each its share: the
report has to fit into a note."""

Check = Callable[[], object]
"""Raises an AdfTriggerError that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Component:
    """Whether a dependency answers.

    Attributes:
        ok: whether it does.
        since: since when that is so.
        why: what is wrong, in a sentence; None where it is ok.
    """

    ok: bool
    since: datetime
    why: str | None = None


class Observer:
    """Checks all components concurrently, and stores the report.

    Args:
        checks: component → its check, run every time.
        in_turn: checks of which a few are run each time, while the last results of the others stay:
            they cost calls, of which a subscription has a limited number an hour.
        notes: where the report is kept.
        clock: returns the current time.
        schedule: of the timer.
        steps: surrounds each effect.
        warnings: gives sentences about problems that do not stop the service.
        limit: seconds of one observation; a component that has not answered by then counts as not answering.
        begin: starts a thread.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        notes: Notes,
        clock: Clock,
        schedule: Schedule,
        steps: Steps,
        *,
        in_turn: Mapping[str, Check] | None = None,
        warnings: Callable[[], Sequence[str]] = tuple,
        limit: float = 20.0,
        begin: Begin = begin,
    ) -> None:
        self._checks = {**checks, **(in_turn or {})}
        self._always = list(checks)
        self._turns = cycle(in_turn or {"": None})
        self._turns_each_time = min(ASKED_IN_TURN, len(in_turn or {}))
        self._notes = notes
        self._clock = clock
        self._schedule = schedule
        self._steps = steps
        self._warnings = warnings
        self._limit = limit
        self._begin = begin
        self._under_way: dict[str, Future[str | None]] = {}
        self._lock = threading.Lock()

    def also_ask(self, component: str, check: Check) -> None:
        """Add a component that is checked every time.

        Args:
            component: its name in the report.
            check: its check.
        """
        if component not in self._checks:
            self._always.append(component)
        self._checks[component] = check

    def observe(self) -> None:
        """Check once, and store the report. A failure of the ledger is logged; the old report shows it, too."""
        try:
            earlier = self._notes.get(APP_SCOPE, HEALTH_NOTE)
            before = components_of(earlier)
            new = [name for name in self._checks if name not in before]
            taking_turns = [next(self._turns) for _ in range(self._turns_each_time)]
            found = self._ask(dict.fromkeys([*self._always, *new, *taking_turns]))
            report = {
                **self._report(found, before),
                "steadySince": self._steady_since(earlier).isoformat(),
                "warnings": shortened_together(self._warnings(), MAX_WARNINGS),
            }
            with self._steps("health.keep"):
                self._notes.put(APP_SCOPE, HEALTH_NOTE, report)
        except AdfTriggerError as exc:
            logger.warning(
                "The health report could not be written: %s",
                exc,
                extra={"action": "health_not_kept", "error": type(exc).__name__},
            )

    def _ask(self, names: Iterable[str]) -> dict[str, str | None]:
        """Run the checks: component → what is wrong with it, or None."""
        with self._lock:
            # One whose last check still hangs is not checked again: hanging calls must not pile up.
            hanging = {name: asked for name, asked in self._under_way.items() if not asked.done()}
            asked: dict[str, Future[str | None]] = {name: Future() for name in names if name not in hanging}
            self._under_way = {**hanging, **asked}
        waiting = deque(asked.items())
        most = min(OBSERVED_TOGETHER, len(asked))
        # Not a pool of futures: the process would wait for its threads at the end.
        begun = sum(self._begin(lambda: self._work(waiting), "observe") for _ in range(most))
        if asked and not begun:
            for each in asked.values():
                each.cancel()
            return {**dict.fromkeys(hanging, self._no_answer), **dict.fromkeys(asked, NOT_ASKED)}
        done, late = wait(asked.values(), timeout=self._limit)
        for each in late:
            each.cancel()
        found: dict[str, str | None] = dict.fromkeys(hanging, self._no_answer)
        for name, future in asked.items():
            found[name] = _outcome(name, future) if future in done else self._no_answer
        return found

    def _work(self, waiting: "deque[tuple[str, Future[str | None]]]") -> None:
        while waiting:
            try:
                name, asked = waiting.popleft()
            except IndexError:
                return  # another thread took the last one
            if not asked.set_running_or_notify_cancel():
                continue
            try:
                asked.set_result(self._trouble(name))
            except Exception as exc:  # noqa: BLE001 - the edge of a thread; logged where the outcome is read
                asked.set_exception(exc)

    def _steady_since(self, earlier: Note | None) -> datetime:
        """Since when reports have come without a gap."""
        now, since = self._clock(), steady_since(earlier)
        if earlier is None or since is None:
            return now
        return now if self._schedule.is_missed(datetime.fromisoformat(earlier.value["at"]), now) else since

    @property
    def _no_answer(self) -> str:
        return f"gave no answer within {self._limit:g} seconds"

    def _trouble(self, name: str) -> str | None:
        try:
            self._checks[name]()
        except TryLater as exc:
            return str(exc)
        except AdfTriggerError as exc:
            return f"{type(exc).__name__}: {exc}"
        return None

    def _report(self, found: Mapping[str, str | None], before: Mapping[str, Component]) -> dict[str, Any]:
        now = self._clock()
        components = {name: each for name, each in before.items() if name in self._checks}
        for name, why in found.items():
            known = before.get(name)
            same = known is not None and known.ok is (why is None)
            since = known.since if known is not None and same else now
            components[name] = Component(ok=why is None, since=since, why=why)
            if not same:
                _log_change(name, why)
        listed = sorted(components.items(), key=lambda item: (item[1].ok, item[0]))[:MAX_COMPONENTS]
        failing = sum(not each.ok for _, each in listed)
        room = min(MAX_REASON, MAX_REASONS // max(1, failing))
        return {
            "at": now.isoformat(),
            "components": {
                name: {
                    "ok": each.ok,
                    "since": each.since.isoformat(),
                    "why": each.why and shortened_together([each.why], room)[0],
                }
                for name, each in listed
            },
        }


def components_of(note: Note | None) -> dict[str, Component]:
    """The components of a kept report; empty for one in another version's format."""
    if note is None:
        return {}
    try:
        return {
            name: Component(bool(each["ok"]), datetime.fromisoformat(each["since"]), each["why"])
            for name, each in note.value["components"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def steady_since(note: Note | None) -> datetime | None:
    """Since when reports have come without a gap; None where a report does not say."""
    if note is None:
        return None
    try:
        datetime.fromisoformat(note.value["at"])
        return datetime.fromisoformat(note.value["steadySince"])
    except (KeyError, TypeError, ValueError):
        return None


def _outcome(name: str, asked: Future[str | None]) -> str | None:
    error = asked.exception()
    if error is None:
        return asked.result()
    logger.error(
        "The health check of %s failed",
        name,
        exc_info=error,
        extra={"action": "health_check_broken", "component": name},
    )
    return f"its check has failed: {type(error).__name__}"


def _log_change(name: str, why: str | None) -> None:
    if why is None:
        logger.info("%s answers", name, extra={"action": "component_answers", "component": name})
    else:
        logger.warning(
            "%s does not answer: %s", name, why, extra={"action": "health_check_failed", "component": name}
        )

"""Sends callbacks at the end of a run: at least once, retried, and finally given up.

A callback is leased to the process that calls, so that two ticks do not both call; if that process is killed
between the call and the removal, it is called again. Once called, the address is erased.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from adf_trigger.azure.public_addresses import UnsafeAddress
from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError, PublishError
from adf_trigger.events.callbacks import CallbackSender, is_gone, require_accepted
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.limits import one_line
from adf_trigger.news import CompletionEvent
from adf_trigger.service.callbacks.callbacks import CALLBACKS, NO_REQUEST_FOR, Callbacks, Waiting, of_request
from adf_trigger.service.callbacks.rules import CallbackRules
from adf_trigger.service.elapsed import Elapsed, bounded
from adf_trigger.service.news.notify import Notifier
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.beside import Beside, OnThreads, at_once
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles
from adf_trigger.settings import Settings
from adf_trigger.settings.callbacks import called_back

logger = logging.getLogger(__name__)

TRIED_FOR = timedelta(days=3)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
CLAIMED_FOR = timedelta(seconds=30)
"""Lease of a callback: longer than a call may hang."""

CLAIMED_BY = timedelta(minutes=5)
"""A request whose claim is under way has its record by then."""

CALLED_AT_ONCE = 8
FAILURES_A_TICK = 8
"""Failures of a host after which it is skipped for the rest of a tick: each call may hang until its time-out."""

MANY = 1_000
"""Number of callbacks of a factory, one page, from which on they are not read at every tick."""
READ_AGAIN = 60.0
"""Seconds after which many are read again even if no end is known to this process."""

REMEMBERED = 1_000
"""Ends that this process remembers until its next tick."""

LONGEST_WHY = 200

Within = Callable[[Iterable[Note]], Iterator[Note]]
"""Yields the items of an iterable, as many as there is time for."""


@dataclass(slots=True)
class _Read:
    """The last reading of a factory's callbacks: when, how many there were, and whether there was something to do."""

    at: float
    count: int
    was_due: bool = False


class CallbackCaller:
    """Sends callbacks.

    Args:
        rules: which addresses may be called now.
        sender: calls them.
        notifier: builds the event of an end.
        notes: where callbacks are kept.
        ledger: the run ledger.
        messages: rejected messages.
        clock: returns the current time.
        steps: surrounds each effect.
        tick_threads: calls several concurrently.
        beside: runs a task on another thread.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        rules: CallbackRules,
        sender: CallbackSender,
        notifier: Notifier,
        notes: Notes,
        ledger: LedgerReader,
        messages: RejectedMessages,
        clock: Clock,
        steps: Steps,
        tick_threads: TickThreads,
        beside: Beside,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._notifier = notifier
        self._notes = notes
        self._ledger = ledger
        self._messages = messages
        self._clock = clock
        self._steps = steps
        self._tick_threads = tick_threads
        self._beside = beside
        self._seconds = seconds
        self._elapsed = Elapsed(clock, seconds)
        self._read: dict[str, _Read] = {}
        self._ended: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()

    def has_ended(self, record: RunRecord) -> None:
        """Remember an end, so that this process's next tick reads the callbacks."""
        with self._lock:
            self._ended.append((record.factory.lower(), record.request_id))

    def call_now(self, record: RunRecord) -> None:
        """Call back for a run that has ended, on another thread; where that fails, a tick does."""

        def call() -> None:
            try:
                notes = self._notes.named(record.factory, of_request(record.request_id))
                self._call_all(record.factory, [each for each in notes if self._is_due(each)], iter)
            except (LedgerError, PublishError) as exc:
                logger.warning(
                    "The callbacks of request %s could not be called now and are left to the timer: %s",
                    record.request_id,
                    exc,
                    extra={"action": "calling_back_postponed", "request_id": record.request_id},
                )
            except Exception:  # the outermost edge of a thread: nothing above it logs
                logger.exception("Calling back failed", extra={"action": "calling_back_postponed"})

        self._beside(call)

    def call(self, factory: str, active: Sequence[ActiveRun], within: Within) -> None:
        """Call back for all requests that have ended, while there is time. A failure of one does not affect the others.

        Costs one read of a page; none at most ticks where there are many callbacks, and nothing has ended.

        Args:
            factory: under which its requests are kept.
            active: its active runs, as they were read just before.
            within: yields as many of the callbacks as there is time for.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        ended = self._ended_of(factory)
        if not self._reads(factory, ended):
            return
        notes = self._notes.named(factory, CALLBACKS)
        unfinished = {each.request_id for each in active if each.state is not RunState.ENDED} - ended
        due = [each for each in notes if self._is_due(each, unfinished)]
        self._read[factory] = _Read(self._seconds(), len(notes), bool(due))
        self._call_all(factory, sorted(due, key=lambda each: str(each.value["due"])), within)

    def waiting(self, factory: str) -> int:
        """The number of callbacks of a factory, as last read by this process."""
        read = self._read.get(factory)
        return 0 if read is None else read.count

    def _ended_of(self, factory: str) -> set[str]:
        with self._lock:
            mine = {request for scope, request in self._ended if scope == factory.lower()}
            others = [each for each in self._ended if each[0] != factory.lower()]
            self._ended.clear()
            self._ended.extend(others)
        return mine

    def _reads(self, factory: str, ended: Collection[str]) -> bool:
        read = self._read.get(factory)
        if read is None or read.count < MANY or read.was_due or ended:
            return True
        return self._seconds() - read.at >= READ_AGAIN

    def _is_due(self, note: Note, unfinished: Collection[str] = ()) -> bool:
        waiting = Waiting.of(note)
        now = self._clock()
        return (
            waiting is not None
            and (waiting.message is not None or waiting.request not in unfinished)
            and bounded(waiting.due, now, LONGEST_WAIT) <= now
        )

    def _call_all(self, factory: str, due: Sequence[Note], within: Within) -> None:
        troubles, failures = Troubles("call_back"), Counter[str]()

        def call(note: Note) -> None:
            waiting = Waiting.of(note)
            if waiting is not None and note.secret is not None:
                with troubles.of(waiting.request):
                    self._call(factory, note, waiting, note.secret, failures)

        self._tick_threads.each(call, within(due), at_once=CALLED_AT_ONCE)

    def _call(self, factory: str, note: Note, waiting: Waiting, uri: str, failures: Counter[str]) -> None:
        if failures[waiting.host] >= FAILURES_A_TICK:
            return
        now = self._clock()
        event, why = self._news_of(factory, note, waiting)
        if event is None:
            if why:
                self._remove(factory, note)
                _log_end(waiting, "callback_dropped", why)
            return
        claimed = replace(
            waiting,
            due=now + CLAIMED_FOR,
            attempts=waiting.attempts + 1,
            first_at=waiting.first_at or now,
        )
        with self._steps("callbacks.claim"):
            note = self._notes.put(factory, note.name, claimed.as_value(), note.etag, secret=uri)
        try:
            status = self._status_of(event, uri)
            if is_gone(status):
                self._remove(factory, note)
                _log_end(claimed, "callback_dropped", f"no caller waits there any more: it answered {status}")
                return
            require_accepted(status)
        except PublishError as exc:
            failures[waiting.host] += 1
            self._failed(factory, note, claimed, uri, one_line(str(exc), LONGEST_WHY))
            return
        self._remove(factory, note)
        _log_end(claimed, "callback_called", "")

    def _news_of(self, factory: str, note: Note, waiting: Waiting) -> tuple[CompletionEvent | None, str]:
        """The event to send; or why there will be none, empty where there may be one later."""
        # By elapsed time, too: our clock may be ahead of that of the host whose claim is under way.
        seen_for = self._elapsed.unchanged_for(f"{factory}|{note.name}", note.etag)
        is_old = self._clock() - waiting.since >= NO_REQUEST_FOR and seen_for >= CLAIMED_BY
        if waiting.message is not None:
            kept = self._messages.find(waiting.message, by="messageId")
            if kept is not None:
                return self._notifier.event_of_kept(kept), ""
            return None, "there is no such message" if is_old else ""
        stored = self._ledger.get(factory, waiting.request)
        if stored is None:
            return None, "there is no such request" if is_old else ""
        if stored.record.digest != waiting.digest:
            return None, "its key names another request"
        return self._notifier.event_of(stored.record) if stored.record.ended else None, ""

    def _status_of(self, event: CompletionEvent, uri: str) -> int:
        try:
            self._rules.host_of(uri)
        except UnsafeAddress as exc:
            raise PublishError(f"the callback's address {exc}") from exc
        with self._steps("callbacks.call"):
            return self._sender.call(uri, event)

    def _failed(self, factory: str, note: Note, claimed: Waiting, uri: str, why: str) -> None:
        now = self._clock()
        if now - (claimed.first_at or now) >= TRIED_FOR:
            self._remove(factory, note)
            _log_end(claimed, "callback_given_up", why)
            return
        _log_end(claimed, "callback_failed", why)
        later = replace(claimed, due=now + _wait(claimed.attempts))
        with self._steps("callbacks.postpone"):
            self._notes.put(factory, note.name, later.as_value(), note.etag, secret=uri)

    def _remove(self, factory: str, note: Note) -> None:
        try:
            with self._steps("callbacks.remove"):
                self._notes.remove(factory, note.name, note.etag)
        except LedgerConflict:
            logger.info(
                "A callback is being handled by another process",
                extra={"action": "callback_lost_race", "factory": factory},
            )


def _wait(attempts: int) -> timedelta:
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(max(0, attempts - 1), 12)))


_SENTENCES = {
    "callback_called": (logging.INFO, "Called %s back for request %s%s"),
    "callback_failed": (logging.WARNING, "%s could not be called back for request %s: %s"),
    "callback_dropped": (logging.WARNING, "%s is not called back for request %s: %s"),
    "callback_given_up": (logging.ERROR, "%s is not called back for request %s any more: %s"),
}


def _log_end(waiting: Waiting, action: str, why: str) -> None:
    level, sentence = _SENTENCES[action]
    logger.log(
        level,
        sentence,
        waiting.host,
        waiting.request,
        why,
        extra={
            "action": action,
            "request_id": waiting.request,
            "host": waiting.host,
            "attempts": waiting.attempts,
        },
    )


def wire_callbacks(
    settings: Settings,
    sender: CallbackSender,
    notifier: Notifier,
    notes: Notes,
    ledger: LedgerReader,
    messages: RejectedMessages,
    home: str,
    clock: Clock,
    steps: Steps,
    tick_threads: TickThreads,
    seconds: Callable[[], float],
) -> tuple[Callbacks, CallbackCaller]:
    """Wire `Callbacks` and `CallbackCaller`."""
    hosts = called_back(settings.callback_hosts, settings.cloud)
    rules = CallbackRules(hosts, loopback=settings.webhooks_to_loopback)
    beside = at_once if tick_threads.is_alone else OnThreads()
    caller = CallbackCaller(
        rules, sender, notifier, notes, ledger, messages, clock, steps, tick_threads, beside, seconds=seconds
    )
    return Callbacks(rules, notes, clock, steps, home=home), caller

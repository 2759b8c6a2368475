"""Routes events to further consumers beside the reader of the events queue.

Routes are independent: what was delivered along one is not sent again because another has failed, and one that is down
delays no other. What a route does not accept is kept as a note and retried for three days.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, NotFound, PublishError
from adf_trigger.events.outbox import RouteSender
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.limits import one_line
from adf_trigger.results import RouteDelivery
from adf_trigger.service import optimistic
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.news import event_ids
from adf_trigger.service.news.notify import Rejection
from adf_trigger.service.publishing.route_states import RouteStates
from adf_trigger.service.publishing.routed_news import NewsFinder, RoutedNews
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles
from adf_trigger.settings.routes import Route

logger = logging.getLogger(__name__)

PENDING = "delivery"
"""Prefix of the notes of pending deliveries, in the scope of a factory."""
OF_ENDS = f"{PENDING}|"
"""Prefix for events of ends. Other events have one of their own: a host of the version before knows the former alone,
and would take the latter for ends that are gone."""
OF_OTHERS = f"{PENDING}-of|"

TRIED_FOR = timedelta(days=3)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
FAILURES_A_TICK = 2
"""Failures of a route after which it is skipped for the rest of a tick: a webhook may hang until its time-out."""

DELIVERED_AT_ONCE = 8
CLAIMED_FOR = timedelta(minutes=5)
"""Lease of a delivery: longer than all routes together may hang."""

LONGEST_WHY = 200


class Router:
    """Delivers along routes.

    Args:
        rules: routes by name.
        sender: sends events along them.
        news: builds the events.
        factories: all configured factories, in whose turns pending deliveries are retried.
        notes: where pending deliveries are kept.
        ledger: the run ledger.
        records: writes it.
        clock: returns the current time.
        steps: surrounds each effect.
        tick_threads: delivers several concurrently.
    """

    def __init__(
        self,
        rules: Mapping[str, Route],
        sender: RouteSender,
        news: NewsFinder,
        factories: Factories,
        notes: Notes,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        steps: Steps,
        tick_threads: TickThreads,
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._news = news
        self._factories = factories
        self._notes = notes
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._steps = steps
        self._tick_threads = tick_threads
        self._empty: set[str] = set()
        self._states = RouteStates(notes, clock, steps)

    def route_end(self, record: RunRecord) -> Sequence[RouteDelivery]:
        """Route the event of an end: to queues immediately; what fails, and all else, is kept for later ticks.

        Raises:
            LedgerError: they could not be kept; the event has to be published again.
        """
        return self._route(self._news.of_end(record))

    def route_overdue(self, record: RunRecord) -> None:
        """Route the event that a run is overdue, in the same way.

        Raises:
            LedgerError: deliveries could not be kept; the event has to be published again.
        """
        self._route(self._news.of_overdue(record))

    def route_rejected(self, kept: KeptMessage) -> None:
        """Route the event that a kept message was rejected, in the same way.

        Raises:
            LedgerError: deliveries could not be kept; the event has to be published again.
        """
        self._route(self._news.of_message(kept))

    def route_unkept(self, rejection: Rejection) -> None:
        """Route the event of a rejection that cannot be kept: each delivery is tried once, and then given up."""
        news = self._news.of_unkept(rejection)
        for name in self._wanted(news):
            self._attempt(name, news, attempts=0, over=True)

    def _wanted(self, news: RoutedNews) -> Sequence[str]:
        return [
            name for name, rule in self._rules.items() if rule.wants(news.pipeline, news.word, news.caller)
        ]

    def _route(self, news: RoutedNews) -> Sequence[RouteDelivery]:
        names = self._wanted(news)
        if not names:
            return ()
        near = [name for name in names if self._sender.is_near(name)]
        deliveries = [self._attempt(name, news, attempts=0) for name in near]
        deliveries += (
            RouteDelivery(route=name, status="pending", at=self._clock())
            for name in names
            if name not in near
        )
        pending = {each.route: each.attempts for each in deliveries if each.status == "pending"}
        if pending:
            self._keep(news, pending)
        return deliveries

    def _keep(self, news: RoutedNews, pending: Mapping[str, int]) -> None:
        scope = self._scope_of(news)
        value = {
            "request": news.request_id,
            "event": news.id,
            "since": self._clock().isoformat(),
            "due": self._clock().isoformat(),
            "routes": dict(pending),
        }
        is_end_here = scope == news.factory and not news.found_by
        if not is_end_here:
            value |= {"factory": news.factory, **news.found_by}
        name = _name_of(news, OF_ENDS if is_end_here else OF_OTHERS)
        with self._steps("routes.keep"):
            self._notes.put(scope, name, value)
        self._empty.discard(scope)

    def _scope_of(self, news: RoutedNews) -> str:
        """The factory in whose turn an event is delivered: its own, or the first one where that is not configured."""
        handles = list(self._factories)
        own = next((each.id for each in handles if each.id.lower() == news.factory.lower()), None)
        return news.factory if own is not None else handles[0].id

    def deliver(self, factory: FactoryHandle, budget: Budget) -> None:
        """Retry deliveries that are due, while there is time. A failure of one does not affect the others.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        if not self._rules and factory.id in self._empty:
            return
        kept = [each for each in self._notes.named(factory.id, PENDING) if _is_understood(each)]
        if not kept:
            self._empty.add(factory.id)
            return
        now = self._clock()
        due = sorted(
            (each for each in kept if _instant(each, "due") <= now), key=lambda each: _instant(each, "due")
        )
        troubles, failures = Troubles("deliver"), dict[str, int]()

        def deliver(note: Note) -> None:
            with troubles.of(str(note.value.get("request"))):
                self._deliver(factory, note, failures)

        self._tick_threads.each(deliver, budget.while_it_lasts(due), at_once=DELIVERED_AT_ONCE)

    def _deliver(self, factory: FactoryHandle, note: Note, failures: dict[str, int]) -> None:
        routes, since = dict(note.value["routes"]), _instant(note, "since")
        over = self._clock() - since >= TRIED_FOR
        open_now = [name for name in routes if over or failures.get(name, 0) < FAILURES_A_TICK]
        if not open_now:
            return
        claimed = self._claimed(factory, note)
        news = self._news.find(factory.id, note.value)
        if news is None:
            # The request has moved on, or was purged: the noted event is obsolete.
            self._remove(factory, claimed, note.value["request"])
            return
        done: list[RouteDelivery] = []
        for name in open_now:
            delivery = self._attempt(name, news, attempts=int(routes[name]), over=over)
            if delivery.status == "pending":
                failures[name] = failures.get(name, 0) + 1
                routes[name] = delivery.attempts
            else:
                del routes[name]
            done.append(delivery)
        if news.record is not None:
            self._record(news.record, done)
        if not routes:
            self._remove(factory, claimed, news.request_id)
            return
        wait = _wait(min(int(each) for each in routes.values()))
        value = {**claimed.value, "routes": routes, "due": (self._clock() + wait).isoformat()}
        with self._steps("routes.keep"):
            self._notes.put(factory.id, claimed.name, value, claimed.etag)

    def _claimed(self, factory: FactoryHandle, note: Note) -> Note:
        """Lease a delivery to this process.

        Raises:
            LedgerConflict: another process was first.
        """
        value = {**note.value, "due": (self._clock() + CLAIMED_FOR).isoformat()}
        with self._steps("routes.claim"):
            return self._notes.put(factory.id, note.name, value, note.etag)

    def _attempt(self, name: str, news: RoutedNews, *, attempts: int, over: bool = False) -> RouteDelivery:
        """Send along a route once, and return the outcome; after three days it is given up."""
        why = "the route is not configured"
        try:
            if name in self._rules:
                with self._steps("routes.send"):
                    self._sender.send(name, news.event())
                self._states.is_up(name)
                return RouteDelivery(route=name, status="delivered", at=self._clock(), attempts=attempts + 1)
        except PublishError as exc:
            why = one_line(str(exc), LONGEST_WHY)
            self._states.is_down(name, why)
        delivery = RouteDelivery(
            route=name,
            status="givenUp" if over else "pending",
            at=self._clock(),
            attempts=attempts + 1,
            why=why,
        )
        _log(news, delivery)
        if over:
            self._states.has_given_up(name)
        return delivery

    def _record(self, record: RunRecord, done: Sequence[RouteDelivery]) -> None:
        """Write the outcomes of deliveries into the record."""
        news = {each.route: each for each in done}

        def write(stored: Stored) -> None:
            now = stored.record
            if now.state is not RunState.PUBLISHED or event_ids.of_record(now) != event_ids.of_record(record):
                return
            known = {each.route: each for each in now.routes}
            self._records.route(stored, list({**known, **news}.values()))

        try:
            optimistic.update(self._ledger, record, write)
        except NotFound:
            return

    def _remove(self, factory: FactoryHandle, note: Note, request_id: str) -> None:
        try:
            with self._steps("routes.remove"):
                self._notes.remove(factory.id, note.name, note.etag)
        except LedgerConflict:
            logger.info(
                "The deliveries of request %s are being handled by another process",
                request_id,
                extra={"action": "delivery_lost_race", "request_id": request_id},
            )


def _name_of(news: RoutedNews, prefix: str) -> str:
    """The name of the note of an event's deliveries: the same for the same event."""
    return f"{prefix}{hashlib.sha256(news.id.encode(errors='replace')).hexdigest()[:40]}"


def _is_understood(note: Note) -> bool:
    """Whether a note can be decoded; one in another version's format is left alone."""
    try:
        aware = _instant(note, "due").tzinfo is not None and _instant(note, "since").tzinfo is not None
        attempts = [int(each) for each in note.value["routes"].values()]
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return (
        aware
        and bool(attempts)
        and all(isinstance(note.value.get(name), str) for name in ("request", "event"))
        and all(isinstance(note.value.get(name, ""), str) for name in ("factory", "status", "message"))
    )


def _instant(note: Note, name: str) -> datetime:
    return datetime.fromisoformat(note.value[name])


def _wait(attempts: int) -> timedelta:
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(max(0, attempts - 1), 12)))


def _log(news: RoutedNews, delivery: RouteDelivery) -> None:
    given_up = delivery.status == "givenUp"
    logger.log(
        logging.ERROR if given_up else logging.WARNING,
        "The route %s %s the event of request %s (%s): %s",
        delivery.route,
        "never accepted" if given_up else "has not accepted",
        news.request_id,
        news.word,
        delivery.why,
        extra={
            "action": "route_given_up" if given_up else "route_failed",
            "route": delivery.route,
            "event_id": news.id,
            "request_id": news.request_id,
            "attempts": delivery.attempts,
        },
    )

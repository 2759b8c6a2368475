"""Wires the use cases over their adapters."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from adf_trigger import __version__
from adf_trigger.azure.clouds import CLOUDS
from adf_trigger.clock import Clock, IdSource
from adf_trigger.events.callbacks import CallbackSender
from adf_trigger.events.outbox import Outbox, RouteSender
from adf_trigger.functions.health_wiring import wire_health
from adf_trigger.functions.services import Services
from adf_trigger.ledger.declarations import Declarations
from adf_trigger.ledger.notes import Notes
from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.positions import LinePositions
from adf_trigger.service.admission.start_times import StartTimes
from adf_trigger.service.admission.sweep import PlacesSweeper
from adf_trigger.service.apps.own_notes import OwnNotes
from adf_trigger.service.apps.registry import AppIdentity, AppRegistry, this_machine
from adf_trigger.service.apps.unconfigured import Bounds, UnconfiguredFactoryWatcher
from adf_trigger.service.callbacks.caller import wire_callbacks
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.reads import Reads
from adf_trigger.service.calls.throttling import Throttling
from adf_trigger.service.calls.watched import WatchedRuns
from adf_trigger.service.dispatching.dispatch import wire_dispatcher
from adf_trigger.service.dispatching.drain import wire_drainer
from adf_trigger.service.dispatching.reconcile import Reconciler
from adf_trigger.service.elapsed import Leases
from adf_trigger.service.factories import Factories
from adf_trigger.service.health.ledger_identity import Landmark, LedgerIdentity
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.intake.event_counts import EventCounts, at_once, on_a_thread
from adf_trigger.service.intake.event_intake import EventIntake
from adf_trigger.service.intake.intake import Intake
from adf_trigger.service.intake.keep import Keeper
from adf_trigger.service.intake.overdue_messages import OverdueMessageWatcher
from adf_trigger.service.intake.reject import Rejecter
from adf_trigger.service.intake.requeue import Requeuer
from adf_trigger.service.intake.secret_remover import SecretRemover
from adf_trigger.service.news.links import Links
from adf_trigger.service.news.notify import Notifier
from adf_trigger.service.news.views import RELATIVE, RunViews
from adf_trigger.service.other_runs.claims import OtherRunClaimer
from adf_trigger.service.other_runs.observing import ObservationKeeper
from adf_trigger.service.other_runs.publisher import wire_others
from adf_trigger.service.policy import Policies
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.publishing.routed_news import NewsFinder
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.reading.activities import ActivityLister
from adf_trigger.service.reading.pipelines import PipelineLister
from adf_trigger.service.reading.query import RunFinder
from adf_trigger.service.reading.runs import RunLister
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.backlog import Backlog
from adf_trigger.service.starting.batch import BatchStarter
from adf_trigger.service.starting.check import Checker
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.service.starting.outlook import wire_outlooks
from adf_trigger.service.starting.partitions import Partitions
from adf_trigger.service.starting.preview import Previewer
from adf_trigger.service.starting.send import Sender
from adf_trigger.service.starting.submit import Submitter
from adf_trigger.service.steering.cancel import Canceller
from adf_trigger.service.steering.holding import Holder
from adf_trigger.service.steering.rejected import wire_rejected_requests
from adf_trigger.service.steering.rerun import Rerunner
from adf_trigger.service.steering.resolve import wire_resolver
from adf_trigger.service.steering.steerer import Steerer
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.threads.workers import WAITS_THREADS, Workers
from adf_trigger.service.timer.fallback import FallbackTicker
from adf_trigger.service.timer.parts import TurnParts
from adf_trigger.service.timer.purge import Purger
from adf_trigger.service.timer.tick import TickRunner
from adf_trigger.service.watching.ends import EndRecorder
from adf_trigger.service.watching.joined_ends import JoinedEnder
from adf_trigger.service.watching.monitor import Monitor
from adf_trigger.service.watching.overdue_runs import OverdueRunWatcher
from adf_trigger.service.watching.refresh import RunRefresher
from adf_trigger.service.watching.shared_refresh import SharedRefresher
from adf_trigger.service.watching.sweep import Sweeper
from adf_trigger.service.watching.wait import Waiter
from adf_trigger.service.watching.withheld import Withholder
from adf_trigger.settings import Settings
from adf_trigger.settings.fingerprints import fingerprints
from adf_trigger.settings.schedule import Schedule


def wire(
    settings: Settings,
    *,
    factories: Factories,
    ledger: Ledger,
    declarations: Declarations,
    notes: Notes,
    rejected: RejectedMessages,
    outbox: Outbox,
    routes: RouteSender,
    callback_sender: CallbackSender,
    landmark: Landmark,
    clock: Clock,
    new_id: IdSource,
    steps: Steps,
    tick_threads: TickThreads | None = None,
    seconds: Callable[[], float] = time.monotonic,
) -> Services:
    """Wire the use cases over the given adapters.

    Args:
        settings: times, budgets and policies.
        factories: the configured factories with their clients.
        ledger: the run ledger.
        declarations: stores what pipelines declare.
        notes: stores small documents alongside the records.
        rejected: stores rejected messages with their bytes.
        outbox: the queues that are written to.
        routes: sends events along routes.
        callback_sender: calls back the callers that asked for that.
        landmark: a text outside the ledger, by which a new ledger is recognised.
        clock: returns the current time.
        new_id: creates runIds.
        steps: surrounds every effect.
        tick_threads: threads that share the work of ticks; with None each tick works sequentially, and does not wait
            for calls that are not allowed yet.
        seconds: a monotonic clock.
    """
    allowance = Allowance() if tick_threads else Allowance(lambda: clock().timestamp(), patient=False)
    tick_threads = tick_threads or TickThreads()
    records = Records(ledger, clock, steps, lease=timedelta(seconds=settings.lease))
    policies = Policies(settings.policy)
    throttling = Throttling(seconds)
    states = FactoryStates(notes, clock, steps, seconds=seconds)
    leases = Leases(clock, seconds, lasts=timedelta(seconds=settings.lease))
    factories = factories.changed(
        lambda each: replace(
            each,
            runs=WatchedRuns(
                each.runs, each.present_id, states, throttling, allowance, clock, seconds=seconds
            ),
        )
    )
    holds = HoldNotes(notes, factories, clock, steps, seconds=seconds)
    views = RunViews(
        factories,
        links=RELATIVE if settings.public_base_url is None else Links(settings.public_base_url),
        studio=CLOUDS[settings.cloud].studio,
        holds=holds,
        in_line=LinePositions(ledger, policies, seconds=seconds).of,
    )
    partitions = Partitions(factories, ledger)
    gate = Gate(states, throttling, clock)
    backlog = Backlog(notes, allowance, throttling, clock, steps)
    definitions = Definitions(
        timedelta(seconds=settings.definition_cache), declarations, steps, holds, seconds=seconds
    )
    sender = Sender(records, clock, policies, definitions, gate, holds, steps)
    notifier = Notifier(outbox, rejected, views, steps)
    news = NewsFinder(notifier, ledger, rejected)
    router = Router(
        settings.routes, routes, news, factories, notes, ledger, records, clock, steps, tick_threads
    )
    callbacks, caller = wire_callbacks(
        *(settings, callback_sender, notifier, notes, ledger, rejected, next(iter(factories)).id),
        *(clock, steps, tick_threads, seconds),
    )
    publisher = Publisher(ledger, records, notifier, router, leases, tick_threads, caller)
    checker = Checker(definitions, gate, policies, holds, clock, callbacks.rules)
    keeper = Keeper(rejected, SecretRemover(factories, definitions, gate), clock, steps)
    senders = f"queue {settings.requests_queue}"
    deadline = timedelta(seconds=settings.start_deadline)
    requeuer = Requeuer(keeper, outbox, clock, deadline=deadline)
    rejecter = Rejecter(
        *(notifier, router, callbacks, publisher, keeper, requeuer, definitions, views, clock),
        requested_by=senders,
    )
    admit = Admission(ledger, records, policies, factories, views.choice, clock)
    submitter = Submitter(
        *(ledger, records, clock, new_id, checker, sender, gate, holds, backlog, publisher),
        *(partitions, policies, callbacks, caller, admit),
    )
    schedule, withholder = Schedule(settings.poll_schedule), Withholder(policies, definitions)
    ends = EndRecorder(ledger, records, publisher, policies, withholder, clock)
    monitor = Monitor(
        ledger,
        records,
        ends,
        publisher,
        Sweeper(notes, clock, steps, stale_after=timedelta(seconds=settings.stale_after)),
        clock,
        tick_threads,
        overlap=timedelta(seconds=settings.poll_overlap),
        missing_limit=timedelta(hours=settings.missing_run_hours),
    )
    refresher = RunRefresher(
        ledger,
        records,
        monitor,
        gate,
        factories,
        clock,
        schedule=schedule,
        at_most=timedelta(seconds=settings.stale_after),
    )
    reconciler = Reconciler(
        ledger,
        factories,
        clock,
        policies,
        timedelta(seconds=settings.reconcile_grace),
        seconds=seconds,
    )
    canceller = Canceller(ledger, records, factories, gate, monitor, publisher, allowance, clock, steps)
    ledger_identity = LedgerIdentity(notes, landmark, clock, new_id, steps)
    app = AppIdentity(
        name=settings.host_name or this_machine(),
        version=__version__,
        factories=tuple(dict.fromkeys(factory.present_id for factory in factories)),
        queue=settings.requests_queue,
        settings=fingerprints(settings),
    )
    own_notes = OwnNotes(notes, app.mark)
    registry = AppRegistry(app, notes, clock, steps)
    unconfigured = UnconfiguredFactoryWatcher(
        factories,
        ledger,
        records,
        publisher,
        notes,
        registry,
        clock,
        steps,
        Bounds(
            deadline=timedelta(seconds=settings.unconfigured_deadline),
            retention=timedelta(days=settings.retention_days),
        ),
        leases,
        caller,
        seconds=seconds,
    )
    times, reads = StartTimes(clock, leases, deadline=deadline), Reads(gate, allowance, clock)
    event_intake = EventIntake(
        settings.triggers,
        factories,
        ledger,
        partitions,
        submitter,
        rejecter,
        EventCounts(notes, clock, steps, at_once if tick_threads.is_alone else on_a_thread),
        tick_threads,
        most_bytes=settings.max_body_bytes,
    )
    query = RunFinder(factories, ledger, rejected, unconfigured, views, refresher)
    observed = ObservationKeeper(notes, app.mark, steps)
    overdue_messages = OverdueMessageWatcher(
        rejected,
        ledger,
        lambda: [*(each.id for each in factories), *unconfigured.ids()],
        outbox,
        clock,
        steps,
        deadline=deadline,
    )
    dispatcher = wire_dispatcher(
        ledger, records, clock, sender, gate, reconciler, holds, backlog, tick_threads, times, admit
    )
    wire_drainer(
        *(ledger, backlog, dispatcher, gate, allowance, clock, schedule, tick_threads, settings.tick_calls)
    )
    parts = TurnParts(
        gate=gate,
        ledger=ledger,
        dispatcher=dispatcher,
        canceller=canceller,
        monitor=monitor,
        joined=JoinedEnder(ledger, records, publisher, tick_threads),
        others=wire_others(
            OtherRunClaimer(ledger, factories, records, ends, publisher, definitions, clock),
            *(observed, ledger, factories, policies, gate, clock, tick_threads, settings.poll_overlap),
        ),
        publisher=publisher,
        overdue_runs=OverdueRunWatcher(ledger, records, notifier, router, gate, clock, tick_threads),
        caller=caller,
        purger=Purger(
            *(records, PlacesSweeper(ledger, records, admit), keeper, overdue_messages, clock),
            retention=timedelta(days=settings.retention_days),
        ),
        router=router,
    )
    tick = TickRunner(
        *(factories, parts, clock, own_notes, steps, allowance, tick_threads),
        calls=settings.tick_calls,
        schedule=schedule,
    )
    observer, health = wire_health(
        *(settings, factories, policies, gate, registry, observed, holds, own_notes, clock, schedule, steps),
        checks={"table": ledger.check, "queues": outbox.check, "ledger": ledger_identity.check},
        seconds=seconds,
    )
    return Services(
        settings=settings,
        workers=Workers(),
        factories=factories,
        notes=own_notes,
        states=states,
        views=views,
        submitter=submitter,
        batch=BatchStarter(submitter),
        preview=Previewer(
            *(ledger, checker, partitions),
            wire_outlooks(ledger, factories, policies, holds, views.choice, clock, seconds=seconds),
        ),
        intake=Intake(
            factories,
            ledger,
            submitter,
            rejecter,
            requeuer,
            keeper,
            partitions,
            unconfigured,
            event_intake,
            clock,
            requested_by=senders,
        ),
        event_intake=event_intake,
        query=query,
        runs=RunLister(ledger, rejected, query, views),
        canceller=canceller,
        steering=Steerer(
            query,
            views,
            canceller,
            Rerunner(ledger, records, factories, gate, submitter, clock),
            wire_resolver(
                ledger,
                records,
                factories,
                gate,
                reconciler,
                policies,
                definitions,
                monitor,
                publisher,
                clock,
                notes,
                steps,
            ),
            wire_rejected_requests(rejected, outbox, ledger, records, views, clock, steps),
        ),
        activities=ActivityLister(query, factories, reads, withholder, clock),
        pipelines=PipelineLister(factories, reads),
        unconfigured=unconfigured,
        refresher=refresher,
        tick=tick,
        holder=Holder(factories, holds, ledger, policies, backlog, clock, definitions, gate),
        fallback_ticker=FallbackTicker(tick, own_notes, clock, schedule, steps, seconds=seconds),
        # Threads of their own: callers and refreshes do not delay each other.
        waiter=Waiter(
            factories,
            SharedRefresher(ledger, ends, gate, allowance, clock),
            Workers(threads=WAITS_THREADS, name="wait").run,
        ),
        observer=observer,
        health=health,
        ledger_identity=ledger_identity,
    )

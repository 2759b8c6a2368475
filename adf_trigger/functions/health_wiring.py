"""Wires the health: the timer's checks of the dependencies, and the reader of their report."""

from collections.abc import Callable, Mapping
from functools import partial

from adf_trigger.clock import Clock
from adf_trigger.service.apps.own_notes import OwnNotes
from adf_trigger.service.apps.registry import AppRegistry
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import Factories
from adf_trigger.service.health.health import HealthReader
from adf_trigger.service.health.observe import Check, Observer
from adf_trigger.service.health.observed_health import ObservationSummary
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.holds.summary import HoldSummary
from adf_trigger.service.other_runs.observing import ObservationKeeper
from adf_trigger.service.policy import Policies
from adf_trigger.service.steps import Steps
from adf_trigger.settings import Settings
from adf_trigger.settings.schedule import Schedule


def wire_health(
    settings: Settings,
    factories: Factories,
    policies: Policies,
    gate: Gate,
    registry: AppRegistry,
    observed: ObservationKeeper,
    holds: HoldNotes,
    notes: OwnNotes,
    clock: Clock,
    schedule: Schedule,
    steps: Steps,
    *,
    checks: Mapping[str, Check],
    seconds: Callable[[], float],
) -> tuple[Observer, HealthReader]:
    """Wire an `Observer` and a `HealthReader` over the same notes; see both classes.

    Args:
        settings: name the triggers and routes that are reported.
        factories: each is checked in turn.
        policies: name the observed pipelines.
        gate: checks factories.
        registry: warns of other apps.
        observed: knows how far observed runs are published.
        holds: the operators' holds.
        notes: stores the reports.
        clock: returns the current time.
        schedule: the timer's schedule.
        steps: surrounds each write.
        checks: component → its check, run at every tick.
        seconds: a monotonic clock.
    """
    observer = Observer(
        checks,
        notes,
        clock,
        schedule,
        steps,
        in_turn={f"factory:{factory.alias}": partial(gate.check, factory) for factory in factories},
        warnings=registry.check,
    )
    health = HealthReader(
        notes,
        clock,
        schedule,
        triggers=[each.name for each in settings.triggers],
        routes=settings.routes,
        observed=ObservationSummary(factories, policies, observed),
        holds=HoldSummary(holds),
        seconds=seconds,
    )
    return observer, health

"""Composes the function app."""

import azure.functions as func

from adf_trigger.clock import Clock, IdSource, new_id, utcnow
from adf_trigger.functions.adapters import connect
from adf_trigger.functions.batch import batch_functions
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions.composition import Composition, UseCases, nudging
from adf_trigger.functions.console import console_functions
from adf_trigger.functions.events import event_functions
from adf_trigger.functions.health import health_functions
from adf_trigger.functions.holding import holding_functions
from adf_trigger.functions.http import http_functions
from adf_trigger.functions.logs import configure_logging
from adf_trigger.functions.openapi import openapi_functions
from adf_trigger.functions.queue import queue_functions
from adf_trigger.functions.reading import reading_functions
from adf_trigger.functions.services import Services
from adf_trigger.functions.steering import steering_functions
from adf_trigger.functions.timer import timer_functions
from adf_trigger.functions.wiring import wire
from adf_trigger.service.steps import Steps, logged_steps
from adf_trigger.service.threads.tick_threads import THREADS, TickThreads
from adf_trigger.settings import Settings


def create_app(*, steps: Steps = logged_steps) -> func.FunctionApp:
    """Create the app from the environment. All functions are registered, even if it is faulty; no connection is opened.

    Args:
        steps: surrounds every effect of the use cases.
    """
    configure_logging()
    use_cases = Composition(lambda: compose(Settings.from_env(), steps=steps))
    return app_of(use_cases, Bindings.now(use_cases), stands_in=True)


def compose(settings: Settings, *, steps: Steps = logged_steps) -> Services:
    """Wire the use cases over the adapters that the settings name. No connection is opened.

    Args:
        settings: of the app.
        steps: surrounds every effect of the use cases.

    Raises:
        SettingsError: a setting cannot be used.
    """
    adapters = connect(settings, clock=utcnow, new_id=new_id)
    return wire(
        settings,
        factories=adapters.factories,
        ledger=adapters.ledger,
        declarations=adapters.ledger.declarations(),
        notes=adapters.ledger.notes(),
        rejected=adapters.ledger.rejected(),
        outbox=adapters.outbox,
        routes=adapters.routes,
        callback_sender=adapters.callback_sender,
        landmark=adapters.outbox,
        clock=utcnow,
        new_id=new_id,
        steps=steps,
        tick_threads=TickThreads(THREADS),
    )


def app_of(
    use_cases: UseCases,
    bindings: Bindings,
    *,
    clock: Clock = utcnow,
    new_id: IdSource = new_id,
    stands_in: bool = False,
) -> func.FunctionApp:
    """Create the app over given use cases.

    Args:
        use_cases: returns the use cases.
        bindings: what the functions are bound to.
        clock: returns the current time.
        new_id: creates ids.
        stands_in: whether other functions run an overdue tick in the timer's place.
    """
    app = func.FunctionApp()
    called = nudging(use_cases, "http") if stands_in else use_cases
    app.register_functions(http_functions(called, new_id))
    app.register_functions(batch_functions(use_cases, new_id))
    app.register_functions(event_functions(called, clock))
    app.register_functions(reading_functions(called))
    app.register_functions(steering_functions(called))
    app.register_functions(holding_functions(called))
    app.register_functions(health_functions(called, clock))
    app.register_functions(openapi_functions(called))
    app.register_functions(console_functions())
    app.register_functions(queue_functions(use_cases, bindings, stands_in=stands_in))
    app.register_functions(timer_functions(use_cases, bindings))
    return app

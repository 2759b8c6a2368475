"""The function app, composed."""

import azure.functions as func

from adf_trigger.clock import new_id, utcnow
from adf_trigger.functions.adapters import connect
from adf_trigger.functions.http import http_functions
from adf_trigger.functions.queue import queue_functions
from adf_trigger.functions.services import Services, wire
from adf_trigger.functions.timer import timer_functions
from adf_trigger.service.steps import Steps, logged_steps
from adf_trigger.settings import Settings


def create_app(settings: Settings, *, steps: Steps = logged_steps) -> func.FunctionApp:
    """The app over the adapters that the settings name.

    Args:
        settings: of the app.
        steps: surrounds every effect of the use cases.

    Raises:
        SettingsError: a setting cannot be used.
    """
    adapters = connect(settings, clock=utcnow, new_id=new_id)
    return app_of(
        wire(
            settings,
            factories=adapters.factories,
            ledger=adapters.ledger,
            declarations=adapters.ledger.declarations(),
            notes=adapters.ledger.notes(),
            outbox=adapters.outbox,
            clock=utcnow,
            new_id=new_id,
            steps=steps,
        )
    )


def app_of(services: Services) -> func.FunctionApp:
    """The app over use cases that are wired already."""
    app = func.FunctionApp()
    app.register_functions(http_functions(services, new_id))
    app.register_functions(queue_functions(services))
    app.register_functions(timer_functions(services))
    return app

"""The timer function: one tick per occurrence of its schedule."""

from functools import partial

import azure.functions as func

from adf_trigger.errors import SettingsError
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions.composition import UseCases, enter, log_faults
from adf_trigger.service.threads.tick_threads import each_thread


def timer_functions(use_cases: UseCases, bindings: Bindings) -> func.Blueprint:
    """The function that dispatches, monitors and publishes.

    Args:
        use_cases: returns the use cases.
        bindings: its schedule; the health checks the other bindings.
    """
    blueprint = func.Blueprint()

    @blueprint.function_name("tick")
    @blueprint.timer_trigger("timer", bindings.schedule, run_on_startup=False, use_monitor=True)
    def tick(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 - the host passes it by name
        """Dispatch, monitor, publish, handle factories that have left the settings; check the dependencies."""
        try:
            services = use_cases()
        except SettingsError as exc:
            log_faults(exc)
            return
        try:
            with each_thread(partial(enter, context)):
                services.tick.run()
            services.unconfigured.attend()
        finally:
            services.observer.also_ask("bindings", partial(bindings.check, services.settings))
            services.observer.observe()

    return blueprint

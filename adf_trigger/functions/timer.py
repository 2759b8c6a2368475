"""The timer function: one tick a schedule."""

import azure.functions as func

from adf_trigger.errors import SettingsError
from adf_trigger.functions.composition import UseCases, log_faults


def timer_functions(use_cases: UseCases, schedule: str) -> func.Blueprint:
    """The function that dispatches, monitors and publishes.

    Args:
        use_cases: gives the use cases.
        schedule: when it runs: NCRONTAB.
    """
    blueprint = func.Blueprint()

    @blueprint.function_name("tick")
    @blueprint.timer_trigger("timer", schedule, run_on_startup=False, use_monitor=True)
    def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the host passes it by name
        """Dispatch, monitor, publish, look after what has left the settings; report on the surroundings."""
        try:
            services = use_cases()
        except SettingsError as exc:
            log_faults(exc)
            return
        try:
            services.tick.run()
            services.strangers.attend()
        finally:
            services.observer.observe()

    return blueprint

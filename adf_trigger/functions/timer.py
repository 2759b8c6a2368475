"""The timer function: one tick a schedule."""

import azure.functions as func

from adf_trigger.functions.services import Services


def timer_functions(services: Services) -> func.Blueprint:
    """The function that dispatches, watches and tells."""
    blueprint = func.Blueprint()

    @blueprint.function_name("tick")
    @blueprint.timer_trigger("timer", services.settings.poll_schedule, run_on_startup=False, use_monitor=True)
    def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the host passes it by name
        """Dispatch what is unsent, watch what is active, tell what has ended."""
        services.tick.run()

    return blueprint

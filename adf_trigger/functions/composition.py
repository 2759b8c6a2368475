"""The use cases, composed when a function first needs them, and again for as long as the settings are faulty."""

import logging
import threading
from collections.abc import Callable

import azure.functions as func

from adf_trigger.errors import SettingsError
from adf_trigger.functions.services import Services

logger = logging.getLogger(__name__)

UseCases = Callable[[], Services]
"""Returns the use cases.

Raises:
    SettingsError: the settings are faulty; every fault is named.
"""


class Composition:
    """Composes once. Thread-safe.

    Args:
        compose: reads the settings and wires the use cases; opens no connection.
    """

    def __init__(self, compose: UseCases) -> None:
        self._compose = compose
        self._lock = threading.Lock()
        self._services: Services | None = None

    def __call__(self) -> Services:
        """The use cases.

        Raises:
            SettingsError: the settings are faulty; every fault is named.
        """
        services = self._services
        if services is not None:
            return services
        with self._lock:
            if self._services is None:
                self._services = self._compose()
                for warning in self._services.settings.warnings:
                    logger.warning("%s", warning, extra={"action": "setting_unknown"})
            return self._services


def nudging(use_cases: UseCases, by: str) -> UseCases:
    """The same use cases, but every use also runs an overdue tick in the background.

    Args:
        use_cases: returns the use cases.
        by: the functions that use them, for the log.
    """

    def nudged() -> Services:
        services = use_cases()
        services.fallback_ticker.nudge(by)
        return services

    return nudged


def enter(context: func.Context) -> None:
    """Assign this thread's log records to an invocation: the platform drops records without its id."""
    setattr(context.thread_local_storage, "invocation_id", context.invocation_id)  # noqa: B010 - no such attribute is declared


def log_faults(error: SettingsError) -> None:
    """Log everything that is wrong with the settings, as each tick does."""
    logger.error(
        "The settings are invalid; no run is started: %s",
        "; ".join((*error.faults, *error.warnings)),
        extra={"action": "settings_faulty", "faults": len(error.faults)},
    )

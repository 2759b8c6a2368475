"""The triggers' bindings, decided at import, when the settings may be faulty or not yet set.

The platform indexes an app once. A faulty setting must neither hide the functions nor let a message be read that
cannot be processed: a queue function whose `%NAME%` does not resolve is put in error by the host, which logs the name,
and the messages stay in the queue.
"""

from dataclasses import dataclass

from adf_trigger.errors import SettingsError
from adf_trigger.functions.composition import UseCases, log_faults
from adf_trigger.settings import POISON_SUFFIX, REQUESTS_QUEUE, CommonSettings, nothing_is_set

AT_FAULT = "%ADF_TRIGGER_SETTINGS_ARE_AT_FAULT_SEE_HEALTH_DETAILS%"
"""A name that no setting has; the host's log shows it, and why."""
NOT_YET_SET = f"%{REQUESTS_QUEUE}%"
"""What the deployment's template sets: the host looks it up when it starts the listeners."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """The bindings of the triggers.

    Attributes:
        requests_queue: where requests are read from.
        poison_queue: where the host puts messages that it has given up on.
        schedule: the timer's schedule.
    """

    requests_queue: str
    poison_queue: str
    schedule: str

    @classmethod
    def of(cls, settings: CommonSettings) -> "Bindings":
        """The bindings of valid settings."""
        queue = settings.requests_queue
        return cls(queue, queue + POISON_SUFFIX, settings.poll_schedule)

    @classmethod
    def now(cls, use_cases: UseCases) -> "Bindings":
        """The bindings that the environment allows now. Never raises: faults are logged, and reported later.

        Args:
            use_cases: returns the use cases, or raises SettingsError.
        """
        if nothing_is_set():  # an instance that is warmed up: there are no settings to read
            return cls(NOT_YET_SET, NOT_YET_SET + POISON_SUFFIX, _default_schedule())
        try:
            return cls.of(use_cases().settings)
        except SettingsError as exc:
            log_faults(exc)
            return cls(AT_FAULT, AT_FAULT + POISON_SUFFIX, _schedule_at_least())

    def check(self, settings: CommonSettings) -> None:
        """Check that the bindings match the settings: the platform binds functions once, at import.

        Raises:
            SettingsError: messages are not read until the app is restarted.
        """
        resolves = self.requests_queue == NOT_YET_SET and settings.requests_queue_is_set
        if not resolves and self.requests_queue != settings.requests_queue:
            raise SettingsError(
                [
                    (
                        f"{REQUESTS_QUEUE}: the settings were faulty when the app was imported, so its queue is not "
                        "read: restart the app"
                    )
                ]
            )


def _schedule_at_least() -> str:
    """The schedule setting, if it is valid, so that the timer logs the faults of the others at each tick."""
    try:
        return CommonSettings.salvaged().poll_schedule
    except SettingsError:
        return _default_schedule()


def _default_schedule() -> str:
    return str(CommonSettings.model_fields["poll_schedule"].default)

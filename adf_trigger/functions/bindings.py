"""What the functions bind to, decided at import, when the settings may be wrong or not there yet.

The platform indexes an app once. Whatever is wrong then must neither hide the functions nor let a message be read that
nobody can take: a queue function whose `%NAME%` does not resolve is put in error by the host, with the name in its log,
and the messages stay where they are.
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
    """What the triggers are given.

    Attributes:
        requests_queue: where requests are read from.
        poison_queue: where the host puts what it has given up on.
        schedule: of the timer.
    """

    requests_queue: str
    poison_queue: str
    schedule: str

    @classmethod
    def of(cls, settings: CommonSettings) -> "Bindings":
        """The bindings that right settings ask for."""
        queue = settings.requests_queue
        return cls(queue, queue + POISON_SUFFIX, settings.poll_schedule)

    @classmethod
    def now(cls, use_cases: UseCases) -> "Bindings":
        """The bindings that the environment allows now. Never raises: what is wrong is logged, and reported later.

        Args:
            use_cases: gives the use cases, or raises what is wrong with the settings.
        """
        if nothing_is_set():  # an instance that is warmed up: settings that are not there need no reading
            return cls(NOT_YET_SET, NOT_YET_SET + POISON_SUFFIX, _default_schedule())
        try:
            return cls.of(use_cases().settings)
        except SettingsError as exc:
            log_faults(exc)
            return cls(AT_FAULT, AT_FAULT + POISON_SUFFIX, _schedule_at_least())

    def check(self, settings: CommonSettings) -> None:
        """See that the functions are bound to what the settings say now: the platform binds them once, at import.

        Raises:
            SettingsError: messages are not read until the app is restarted.
        """
        resolves = self.requests_queue == NOT_YET_SET and settings.requests_queue_is_set
        if not resolves and self.requests_queue != settings.requests_queue:
            raise SettingsError(
                [
                    (
                        f"{REQUESTS_QUEUE}: the settings were at fault when the app was imported, so that its queue "
                        "is not read: restart the app"
                    )
                ]
            )


def _schedule_at_least() -> str:
    """The schedule that is set, if it is right: the timer tells at each tick what is wrong with the others."""
    try:
        return CommonSettings.salvaged().poll_schedule
    except SettingsError:
        return _default_schedule()


def _default_schedule() -> str:
    return str(CommonSettings.model_fields["poll_schedule"].default)

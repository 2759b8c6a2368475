"""What can go wrong in the local Functions host.

HostError
├── SettingError         an app setting, host.json or local.settings.json is missing or wrong
├── AppLoadError         function_app.py cannot be imported or indexed
│   └── NotSupported     it asks for a trigger or binding that this host does not run
├── FunctionFailed       a function raised, timed out, or returned what its bindings cannot take
└── StorageFault         storage refused or did not answer, to the end of the tries
    └── LeaseLost        the message, blob or queue is no longer ours: another took it, or it is gone
"""

from collections.abc import Callable

_SERVER_ERROR = 500


class HostError(Exception):
    """Root of everything that the local Functions host raises on purpose."""


class SettingError(HostError):
    """An app setting, host.json or local.settings.json is missing or wrong."""


class AppLoadError(HostError):
    """function_app.py cannot be imported or indexed."""


class NotSupported(AppLoadError):
    """The app asks for a trigger or binding that this host does not run."""


class FunctionFailed(HostError):
    """A function raised (see the cause), timed out, or returned what its bindings cannot take."""


class StorageFault(HostError):
    """Storage refused or did not answer, to the end of the tries; the cause is the SDK's error.

    Args:
        text: what was asked for, and what came of it.
        status: HTTP status of the last answer; None where there was none.
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def by_the_service(self) -> bool:
        """Whether storage itself answered that it is in trouble, as it does under load."""
        return self.status is not None and self.status >= _SERVER_ERROR


Crash = Callable[[StorageFault], None]
"""Ends the host because of a fault that the platform's host does not survive."""


class LeaseLost(StorageFault):
    """The message, blob or queue is no longer ours: its lease ran out and another took it, or it is gone."""

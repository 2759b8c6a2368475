"""The errors of the local Functions host.

HostError
├── SettingError         an app setting, host.json or local.settings.json is missing or wrong
├── AppLoadError         function_app.py cannot be imported or indexed
│   └── NotSupported     it uses a trigger or binding that this host does not support
├── FunctionFailed       a function raised, timed out, or returned a value that its bindings cannot encode
└── StorageFault         storage refused or did not answer in any of the tries
    └── LeaseLost        the message, blob or queue is no longer leased: taken by another host, or deleted
"""

from collections.abc import Callable

_SERVER_ERROR = 500


class HostError(Exception):
    """Root of the errors of the local Functions host."""


class SettingError(HostError):
    """An app setting, host.json or local.settings.json is missing or wrong."""


class AppLoadError(HostError):
    """function_app.py cannot be imported or indexed."""


class NotSupported(AppLoadError):
    """The app uses a trigger or binding that this host does not support."""


class FunctionFailed(HostError):
    """A function raised (see the cause), timed out, or returned a value that its bindings cannot encode."""


class StorageFault(HostError):
    """Storage refused or did not answer in any of the tries; the cause is the SDK's error.

    Args:
        text: the call and its error.
        status: HTTP status of the last answer; None without an answer.
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def by_the_service(self) -> bool:
        """Whether storage answered with a server error, as it does under load."""
        return self.status is not None and self.status >= _SERVER_ERROR


Crash = Callable[[StorageFault], None]
"""Ends the host because of a fault that ends the platform's host."""


class LeaseLost(StorageFault):
    """The message, blob or queue is no longer leased: the lease expired and another host took it, or it was deleted."""

"""What can go wrong in the local Functions host.

HostError
├── SettingError         an app setting, host.json or local.settings.json is missing or wrong
├── AppLoadError         function_app.py cannot be imported or indexed
│   └── NotSupported     it asks for a trigger or binding that this host does not run
├── FunctionFailed       a function raised, timed out, or returned what its bindings cannot take
└── StorageFault         storage refused or did not answer
    └── LeaseLost        the message or blob is no longer ours: another took it, or it is gone
"""


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
    """Storage refused or did not answer; the cause is the SDK's error."""


class LeaseLost(StorageFault):
    """The message or blob is no longer ours: its lease ran out and another took it, or it is gone."""

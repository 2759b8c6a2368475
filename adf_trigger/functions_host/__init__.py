"""The local Functions host: runs a Python v2 function app as the Azure Functions host v4 does.

HTTP triggers with routes, keys and limits; queue triggers with leases, dequeue counts, back-off and poison;
timer triggers with NCRONTAB, the singleton lock and catching up. It imports nothing of the app it runs but
through its function_app.py, and knows no app in particular.
"""

from adf_trigger.functions_host.common.config import HostConfig, HostTimes
from adf_trigger.functions_host.common.errors import (
    AppLoadError,
    FunctionFailed,
    HostError,
    LeaseLost,
    NotSupported,
    SettingError,
    StorageFault,
)
from adf_trigger.functions_host.host import FunctionsHost

__all__ = [
    "AppLoadError",
    "FunctionFailed",
    "FunctionsHost",
    "HostConfig",
    "HostError",
    "HostTimes",
    "LeaseLost",
    "NotSupported",
    "SettingError",
    "StorageFault",
]

"""The Python client of the service, and the command `adf-trigger`. Never deployed.

    from adf_trigger.client import Client, RunFailed

    with Client() as client:  # ADF_TRIGGER_URL and ADF_TRIGGER_KEY
        run = client.start("LoadOrders", {"day": "2026-11-30"})
        try:
            client.wait(run, timeout=3600)
        except RunFailed as failed:
            print(failed.reason)

`adf_trigger.client.events` reads the completion events off their queue.
"""

from adf_trigger.client.batches import Start
from adf_trigger.client.client import Client
from adf_trigger.client.errors import (
    AmbiguousRun,
    AtCapacity,
    ClientError,
    Conflict,
    NotAuthorised,
    NotReached,
    NotTaken,
    OutcomeUnknown,
    ProblemError,
    RequestRefused,
    RunFailed,
    RunNotFound,
    UnexpectedAnswer,
    WaitTimedOut,
)
from adf_trigger.client.paths import RunName

__all__ = [
    "AmbiguousRun",
    "AtCapacity",
    "Client",
    "ClientError",
    "Conflict",
    "NotAuthorised",
    "NotReached",
    "NotTaken",
    "OutcomeUnknown",
    "ProblemError",
    "RequestRefused",
    "RunFailed",
    "RunName",
    "RunNotFound",
    "Start",
    "UnexpectedAnswer",
    "WaitTimedOut",
]

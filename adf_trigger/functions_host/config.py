"""How one local Functions host is run: where, with which keys, and at what pace."""

import math
import secrets
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

BLOB_LEASE_SECONDS = (15, 60)
"""What Blob storage grants: a lease on a blob is between 15 and 60 seconds."""


def new_key() -> str:
    """A key as long as the platform's own."""
    return secrets.token_urlsafe(40)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """The platform's times, in seconds. The defaults are the real ones, but for `polling_cap`.

    Attributes:
        message_lease: how long a queue message is hidden while a function works on it; the host renews it
            at half, and a host that dies leaves its messages hidden for what is left of it.
        message_renewal_floor: no renewal is tried again sooner than this after one that failed.
        polling_floor: pause after the first empty poll of a queue; the random back-off starts here.
        polling_cap: longest pause between polls; host.json's maxPollingInterval applies where it is shorter.
            The platform's default is 60, and 2 on a developer's machine.
        lock_period: how long the lease on a timer's lock blob is; renewed at half. Blob storage grants
            15 to 60 seconds, so a scaled value is kept within that.
        lock_recovery: how often a host that did not get a timer's lock tries again.
    """

    message_lease: float = 600.0
    message_renewal_floor: float = 60.0
    polling_floor: float = 0.1
    polling_cap: float = 2.0
    lock_period: float = 60.0
    lock_recovery: float = 60.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ValueError(f"{item.name} must be positive")
        if self.polling_floor > self.polling_cap:
            raise ValueError("polling_floor must not exceed polling_cap")

    def scaled(self, factor: float) -> Self:
        """The same times with the long waits (leases, locks, recovery) multiplied; polling stays as it is."""
        return replace(
            self,
            message_lease=self.message_lease * factor,
            message_renewal_floor=self.message_renewal_floor * factor,
            lock_period=self.lock_period * factor,
            lock_recovery=self.lock_recovery * factor,
        )

    @property
    def lock_seconds(self) -> int:
        """The lease to ask of Blob storage: whole seconds, within what it grants."""
        shortest, longest = BLOB_LEASE_SECONDS
        return min(longest, max(shortest, math.ceil(self.lock_period)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """One local Functions host.

    Attributes:
        app: folder that holds function_app.py and, optionally, host.json and local.settings.json.
        address: what to listen on.
        port: TCP port; 0 picks a free one.
        key: host key, good for every function of level `function`.
        master_key: good for everything, and the only one that opens /admin.
        host_id: under which timers keep lock and status in storage; hosts that share it share the timers.
            Default: the app setting AzureFunctionsWebHost__hostid, else made of machine and folder.
        times: see HostTimes, before scaling.
        time_scale: multiplies the platform's long waits and host.json's visibilityTimeout, so that a test
            need not wait ten minutes. Schedules, functionTimeout and polling are not scaled.
        drain_seconds: how long running functions may take to end once the host is told to stop.
        shuffle: hand the messages of a batch over in random order. Storage queues promise no order, and
            Azurite happens to keep one.
    """

    app: Path
    address: str = "127.0.0.1"
    port: int = 0
    key: str = field(default_factory=new_key, repr=False)
    master_key: str = field(default_factory=new_key, repr=False)
    host_id: str | None = None
    times: HostTimes = field(default_factory=HostTimes)
    time_scale: float = 1.0
    drain_seconds: float = 30.0
    shuffle: bool = True

    def __post_init__(self) -> None:
        if self.time_scale <= 0:
            raise ValueError("time_scale must be positive")
        if self.drain_seconds < 0:
            raise ValueError("drain_seconds must not be negative")

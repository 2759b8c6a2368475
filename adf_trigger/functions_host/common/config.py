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
        message_renewal_floor: no renewal is tried again sooner than this after one that failed, where the host
            is forgiving; else a failed renewal ends it.
        polling_floor: pause after the first empty poll of a queue; the random back-off starts here.
        polling_cap: longest pause between polls; host.json's maxPollingInterval applies where it is shorter.
            The platform's default is 60, and 2 on a developer's machine.
        lock_period: how long the lease on a timer's lock blob is; renewed at half. Blob storage grants
            15 to 60 seconds, so a scaled value is kept within that.
        lock_recovery: how often a host that did not get a timer's lock tries again.
        listener_retry: how soon a timer whose lock could not even be asked for is started again; it waits longer
            from time to time.
        storage_retry: pause before the second of the six tries of a call to storage; each further one is twice
            as long, up to ten seconds.
    """

    message_lease: float = 600.0
    message_renewal_floor: float = 60.0
    polling_floor: float = 0.1
    polling_cap: float = 2.0
    lock_period: float = 60.0
    lock_recovery: float = 60.0
    listener_retry: float = 2.0
    storage_retry: float = 0.8

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ValueError(f"{item.name} must be positive")
        if self.polling_floor > self.polling_cap:
            raise ValueError("polling_floor must not exceed polling_cap")

    def scaled(self, factor: float) -> Self:
        """The same times with the long waits (leases, locks, retries) multiplied; polling stays as it is."""
        return replace(
            self,
            message_lease=self.message_lease * factor,
            message_renewal_floor=self.message_renewal_floor * factor,
            lock_period=self.lock_period * factor,
            lock_recovery=self.lock_recovery * factor,
            listener_retry=self.listener_retry * factor,
            storage_retry=self.storage_retry * factor,
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
        listen_on: descriptor of a socket that listens already, instead of address and port.
        key: host key, good for every function of level `function`.
        master_key: good for everything, and the only one that opens /admin.
        host_id: under which timers keep lock and status in storage; hosts that share it share the timers.
            Default: the app setting AzureFunctionsWebHost__hostid, else made of machine and folder.
        times: see HostTimes, before scaling.
        time_scale: multiplies the platform's long waits and host.json's visibilityTimeout, so that a test
            need not wait ten minutes. Schedules, functionTimeout and polling are not scaled.
        drain_seconds: how long requests under way may take to be answered once the host is told to stop; the
            connections that are left are then reset.
        grace_seconds: how long the functions that still run may take after that.
        forgiving: for development: faults of storage are logged and the host lives on, a function beyond its
            time-out fails alone, and an app that cannot be imported says why.
        shuffle: hand the messages of a batch over in random order. Storage queues promise no order, and
            Azurite happens to keep one.
    """

    app: Path
    address: str = "127.0.0.1"
    port: int = 0
    listen_on: int | None = None
    key: str = field(default_factory=new_key, repr=False)
    master_key: str = field(default_factory=new_key, repr=False)
    host_id: str | None = None
    times: HostTimes = field(default_factory=HostTimes)
    time_scale: float = 1.0
    drain_seconds: float = 30.0
    grace_seconds: float = 10.0
    shuffle: bool = True
    forgiving: bool = False

    def __post_init__(self) -> None:
        if self.time_scale <= 0:
            raise ValueError("time_scale must be positive")
        if self.drain_seconds < 0 or self.grace_seconds < 0:
            raise ValueError("drain_seconds and grace_seconds must not be negative")

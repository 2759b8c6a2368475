"""The configuration of a local Functions host: address, keys and times."""

import math
import secrets
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

BLOB_LEASE_SECONDS = (15, 60)
"""Blob storage grants leases of 15 to 60 seconds."""


def new_key() -> str:
    """A new key, as long as the platform's own."""
    return secrets.token_urlsafe(40)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """The platform's times, in seconds. The defaults are the real ones, except `polling_cap`.

    Attributes:
        message_lease: how long a queue message is hidden while a function handles it; the host renews it at
            half of that, and a host that dies leaves its messages hidden for the rest.
        message_renewal_floor: shortest pause before a failed renewal is retried, where the host is forgiving;
            else a failed renewal ends it.
        polling_floor: pause after the first empty poll of a queue; the random back-off starts here.
        polling_cap: longest pause between polls; host.json's maxPollingInterval applies where it is shorter.
            The platform's default is 60, and 2 on a developer's machine.
        lock_period: lease of a timer's lock blob; renewed at half of it. Blob storage grants 15 to 60 seconds,
            so a scaled value is kept within that.
        lock_recovery: pause between tries of a host that did not get a timer's lock.
        listener_retry: pause before a timer is restarted after its lock could not be requested; the pause grows
            with each failure.
        storage_retry: pause before the second of the six tries of a call to storage; it doubles with each try, up
            to ten seconds.
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
        """The same times with the long waits (leases, locks, retries) multiplied; polling is not scaled."""
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
        """The lease to request from Blob storage: whole seconds, within its limits."""
        shortest, longest = BLOB_LEASE_SECONDS
        return min(longest, max(shortest, math.ceil(self.lock_period)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """The configuration of one local Functions host.

    Attributes:
        app: folder that holds function_app.py and, optionally, host.json and local.settings.json.
        address: to listen on.
        port: TCP port; 0 picks a free one.
        listen_on: descriptor of a socket that already listens, instead of address and port.
        key: host key, for every function of level `function`.
        master_key: for everything, and the only key for /admin.
        host_id: name under which timers store lock and status; hosts with the same id share the timers.
            Default: the app setting AzureFunctionsWebHost__hostid, else made from machine and folder.
        times: see HostTimes, before scaling.
        time_scale: multiplies the platform's long waits and host.json's visibilityTimeout, so that a test
            need not wait ten minutes. Schedules, functionTimeout and polling are not scaled.
        drain_seconds: time for requests in progress to be answered once the host is stopped; the remaining
            connections are then reset.
        grace_seconds: time for running functions to end after that.
        forgiving: for development: storage faults are logged without ending the host, a function beyond its
            time-out fails alone, and the reason why an app cannot be imported is logged.
        shuffle: deliver the messages of a batch in random order. Storage queues guarantee no order, but
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

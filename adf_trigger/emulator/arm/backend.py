"""The state that handlers work on; they have none of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adf_trigger.emulator.arm.addresses import CloudAddresses
from adf_trigger.emulator.arm.throttling import TokenBuckets
from adf_trigger.emulator.common.clock import Clock, IdSource
from adf_trigger.emulator.common.clouds import Cloud
from adf_trigger.emulator.common.options import LIST_SIZE, Options
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.faults.visibility import Visibility
from adf_trigger.emulator.store import Store


def _no_scheduler() -> None:
    """Does nothing: no scheduler is attached yet."""


@dataclass(slots=True, kw_only=True)
class Backend:
    """The emulated service behind the management API.

    Attributes:
        monitoring: counts each factory's monitoring queries.
        tenant_id: directory of the factories' managed identities.
        domains: domain names of that directory, its default one first.
        addresses: the names and addresses that callers use.
        triggers_changed: notifies the scheduler that a trigger was started, stopped or deleted.
    """

    store: Store
    engine: Engine
    visibility: Visibility
    options: Options
    clock: Clock
    new_id: IdSource
    monitoring: TokenBuckets
    tenant_id: str
    addresses: CloudAddresses
    domains: tuple[str, ...] = ()
    triggers_changed: Callable[[], None] = _no_scheduler

    @property
    def cloud(self) -> Cloud:
        """Which of Azure's clouds is emulated."""
        return self.addresses.cloud

    @property
    def list_size(self) -> int:
        """Entries per page of a list."""
        return self.options.page_size or LIST_SIZE

    def now(self) -> datetime:
        """The current time."""
        return self.clock()

    def new_etag(self) -> str:
        """An etag in the service's format: a unique part, then the time in hex."""
        return f"{self.new_id().hex[:8]}-0000-0100-0000-{int(self.now().timestamp()):08x}0000"

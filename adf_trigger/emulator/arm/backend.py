"""What handlers work on. They have no state of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adf_trigger.emulator.arm.places import Places
from adf_trigger.emulator.arm.throttling import TokenBuckets
from adf_trigger.emulator.common.clock import Clock, IdSource
from adf_trigger.emulator.common.clouds import Cloud
from adf_trigger.emulator.common.options import LIST_SIZE, Options
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.faults.visibility import Visibility
from adf_trigger.emulator.store import Store


def _nobody() -> None:
    """Nobody fires triggers yet."""


@dataclass(slots=True, kw_only=True)
class Backend:
    """The emulated service behind the management API.

    Attributes:
        monitoring: counts each factory's monitoring queries.
        tenant_id: directory of the factories' managed identities.
        domains: domain names of that directory, its default one first.
        places: the names and addresses that callers use.
        triggers_changed: tells whoever fires triggers that one was started, stopped or deleted.
    """

    store: Store
    engine: Engine
    visibility: Visibility
    options: Options
    clock: Clock
    new_id: IdSource
    monitoring: TokenBuckets
    tenant_id: str
    places: Places
    domains: tuple[str, ...] = ()
    triggers_changed: Callable[[], None] = _nobody

    @property
    def cloud(self) -> Cloud:
        """Which of Azure's clouds this stands in for."""
        return self.places.cloud

    @property
    def list_size(self) -> int:
        """Entries of a page of a list."""
        return self.options.page_size or LIST_SIZE

    def now(self) -> datetime:
        """The present instant."""
        return self.clock()

    def new_etag(self) -> str:
        """An etag of the service's pattern: something unique, then the time in hex."""
        return f"{self.new_id().hex[:8]}-0000-0100-0000-{int(self.now().timestamp()):08x}0000"

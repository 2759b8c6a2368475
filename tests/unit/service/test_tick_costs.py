"""What a tick costs where there is more to do than it may spend."""

from adf_trigger.ledger.port import Stored
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import World, settings


class Counting(FaultyLedger):
    """Counts reads of records."""

    def __init__(self) -> None:
        super().__init__()
        self.gets = 0

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self.gets += 1
        return super().get(factory, request_id)


def test_records_that_cannot_be_brought_up_to_date_are_not_read() -> None:
    """Of fifty runs that have ended, a tick with ten calls reads the records of those that it records and tells."""
    ledger = Counting()
    world = World(ledger=ledger, settings=settings(ADF_TRIGGER_TICK_CALLS="10"))
    world.factory.declare("load")
    for number in range(50):
        run_id = world.submit(f"key-{number}").record.run_id
        world.factory.finish(run_id)
    ledger.gets = 0
    world.tick(after=15)
    told = len(world.outbox.events)
    assert 0 < told < 10
    assert ledger.gets == 2 * told

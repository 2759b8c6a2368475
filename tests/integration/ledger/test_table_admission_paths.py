"""Every way in which a request gets a place, on Azurite."""

from uuid import uuid4

import pytest

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.opening import open_table_ledger
from tests.support.admission_paths import PATHS

pytestmark = pytest.mark.untraced


@pytest.mark.parametrize("path", PATHS)
def test_every_way_to_a_place_keeps_number_and_order(azurite: str, path: str) -> None:
    """As on the memory ledger: requeued, replayed, rerun, resubmitted, adopted, dismissed, repeated, odd keys."""
    ledger = open_table_ledger(StorageAccount(connection_string=azurite), table=f"t{uuid4().hex}")
    ledger.create_table_if_missing()
    PATHS[path](ledger)

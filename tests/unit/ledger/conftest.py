import sys
from collections.abc import Iterator

import pytest

from tests.support.log_records import records_can_be_read  # noqa: F401  # a fixture of all of them

pytest.register_assert_rewrite(
    "tests.contracts.claiming_contract",
    "tests.contracts.declarations_contract",
    "tests.contracts.ledger_machine",
    "tests.contracts.ledger_steps",
    "tests.contracts.listing_contract",
    "tests.contracts.notes_contract",
    "tests.contracts.reading_contract",
    "tests.contracts.rejected_contract",
    "tests.contracts.removal_contract",
    "tests.contracts.saving_contract",
)


@pytest.fixture(autouse=True)
def threads_switch_often() -> Iterator[None]:
    """Have threads interrupt each other within a step of the ledger, which is rare at the usual switch interval."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)

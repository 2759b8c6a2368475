"""What the claims about a ledger share."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest

from adf_trigger.ledger.port import Ledger, RunPage
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from tests.contracts.ledger_records import MINUTE, NOON, a_factory

T = TypeVar("T")

THREADS = 16


def told(record: RunRecord, minutes: int = 0) -> RunRecord:
    """The record after its event was sent."""
    return replace(record, state=RunState.PUBLISHED, published_at=NOON + minutes * MINUTE)


def at_once(work: Callable[[int], T], times: int = THREADS) -> list[T]:
    """What a piece of work gives, done in as many threads at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, range(times)))


def all_pages(ledger: Ledger, factory: str, limit: int) -> list[RunPage]:
    """Every page of the listing."""
    pages = [ledger.runs(factory, since=None, limit=limit, continuation=None)]
    while pages[-1].continuation is not None:
        pages.append(ledger.runs(factory, since=None, limit=limit, continuation=pages[-1].continuation))
    return pages


def names(records: Sequence[RunRecord] | Sequence[ActiveRun]) -> list[str]:
    """The request ids of records or active rows."""
    return [record.request_id for record in records]


def leaves_no_trace(ledger: Ledger, record: RunRecord) -> bool:
    """Whether nothing of a record can be found by any way in."""
    return (
        ledger.get(record.factory, record.request_id) is None
        and all(ledger.find(record.factory, run_id) is None for run_id in record.run_ids)
        and record.request_id not in names(ledger.active(record.factory))
        and record.request_id not in names(listed(ledger, record.factory))
    )


def listed(ledger: Ledger, factory: str) -> Sequence[RunRecord]:
    """The first page of the listing."""
    return ledger.runs(factory, since=None, limit=100, continuation=None).records


class LedgerClaims:
    """Claims about a ledger, each on a factory of its own."""

    @pytest.fixture
    def ledger(self) -> Ledger:
        """The ledger under test; the subclass gives it."""
        raise NotImplementedError

    @pytest.fixture
    def factory(self) -> str:
        """A factory that no other test has."""
        return a_factory()

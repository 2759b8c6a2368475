"""What every ledger keeps to when it is read: active rows, listing, cursor."""

from uuid import UUID

import pytest

from adf_trigger.errors import InvalidRequest
from adf_trigger.ledger.port import Cursor, Ledger, RunPage, Stored
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_record
from tests.contracts.ledger_steps import LedgerClaims, all_pages, listed, names


class ReadingContract(LedgerClaims):
    """What is read, in which order, and what is never found."""

    def test_active_runs_come_in_order_of_arrival(self, ledger: Ledger, factory: str) -> None:
        """What came first is looked at first, however the keys and runIds sort."""
        for name, minutes in (("b", 2), ("c", 0), ("a", 1)):
            ledger.claim(a_record(factory, name, requested_at=NOON + minutes * MINUTE))
        assert names(ledger.active(factory)) == ["c", "a", "b"]

    def test_factories_that_have_records_are_known(self, ledger: Ledger, factory: str) -> None:
        """Whatever is configured, the ledger knows whose records it has, once each, in order, in lower case."""
        others = [a_factory() for _ in range(2)]
        for each in (factory, *others):
            for name in ("a", "b"):
                ledger.claim(a_record(each, name))
        found = ledger.factories()
        assert list(found) == sorted(set(found))
        assert {each.lower() for each in (factory, *others)} <= set(found)
        assert a_factory().lower() not in found

    def test_runs_are_listed_newest_first(self, ledger: Ledger, factory: str) -> None:
        """The listing has the latest request first, those of one instant by their key."""
        for name, minutes in (("b", 0), ("a", 0), ("late", 1), ("early", -1)):
            ledger.claim(a_record(factory, name, requested_at=NOON + minutes * MINUTE))
        assert names(listed(ledger, factory)) == ["late", "a", "b", "early"]

    def test_requests_are_found_by_the_message_that_they_came_as(self, ledger: Ledger, factory: str) -> None:
        """Equal messages are several requests, each found until it goes, and none of another factory."""
        for name, digest in (("a", "d" * 64), ("b", "d" * 64), ("c", "e" * 64), ("d", None)):
            ledger.claim(a_record(factory, name, message_digest=digest))
        ledger.claim(a_record(a_factory(), "a", message_digest="d" * 64))
        found = ledger.by_message_digest(factory, "d" * 64)
        assert [stored.record.request_id for stored in found] == ["a", "b"]
        ledger.release(found[0])
        assert [stored.record.request_id for stored in ledger.by_message_digest(factory, "d" * 64)] == ["b"]
        assert ledger.by_message_digest(factory, "f" * 64) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 100])
    def test_pages_have_every_run_once(self, ledger: Ledger, factory: str, limit: int) -> None:
        """Pages of any size give all records in order, each full but the last, which has no continuation."""
        for n in range(6):
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + (n // 2) * MINUTE))
        pages = all_pages(ledger, factory, limit)
        assert [name for page in pages for name in names(page.records)] == [
            f"load-{n}" for n in (4, 5, 2, 3, 0, 1)
        ]
        assert all(len(page.records) == limit for page in pages[:-1])
        assert 1 <= len(pages[-1].records) <= limit

    def test_what_arrives_while_paging_disturbs_no_page(self, ledger: Ledger, factory: str) -> None:
        """A request that arrives, and one that goes, between two pages neither repeats nor hides another."""
        stored = [
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE)).stored
            for n in range(5)
        ]
        first = ledger.runs(factory, since=None, limit=2, continuation=None)
        ledger.claim(a_record(factory, "newer", requested_at=NOON + 9 * MINUTE))
        ledger.release(stored[3])
        ledger.release(stored[1])
        second = ledger.runs(factory, since=None, limit=2, continuation=first.continuation)
        assert names(first.records) + names(second.records) == ["load-4", "load-3", "load-2", "load-0"]

    def test_since_is_a_lower_bound_that_is_included(self, ledger: Ledger, factory: str) -> None:
        """The listing stops before the first request that is older than asked for, on every page."""
        for n in range(5):
            ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE))
        first = ledger.runs(factory, since=NOON + 2 * MINUTE, limit=2, continuation=None)
        second = ledger.runs(factory, since=NOON + 2 * MINUTE, limit=2, continuation=first.continuation)
        assert names(first.records) + names(second.records) == ["load-4", "load-3", "load-2"]
        assert second.continuation is None
        assert ledger.runs(factory, since=NOON + 5 * MINUTE, limit=2, continuation=None).records == []

    @pytest.mark.parametrize("continuation", ["x", "!", "ä", "d2hlbnw", "cnVufGE", "a" * 5000, "="])
    def test_a_continuation_that_is_not_ours_is_refused(
        self, ledger: Ledger, factory: str, continuation: str
    ) -> None:
        """What no page gave is a fault of the request."""
        with pytest.raises(InvalidRequest, match="continuation"):
            ledger.runs(factory, since=None, limit=10, continuation=continuation)

    def test_an_empty_factory_has_an_empty_page(self, ledger: Ledger, factory: str) -> None:
        """A factory without runs has one page with nothing on it."""
        assert ledger.runs(factory, since=None, limit=10, continuation=None) == RunPage([], None)

    def test_a_cursor_is_kept_for_each_factory(self, ledger: Ledger, factory: str) -> None:
        """A cursor starts empty, comes back as it was saved, and the last writer wins."""
        assert ledger.cursor(factory) == Cursor()
        cursor = Cursor(polled_until=NOON)
        ledger.save_cursor(factory, cursor)
        assert ledger.cursor(factory) == cursor
        ledger.save_cursor(factory, Cursor(polled_until=NOON + MINUTE))
        assert ledger.cursor(factory) == Cursor(polled_until=NOON + MINUTE)
        assert ledger.cursor(a_factory()) == Cursor()

    def test_the_cursor_is_no_run(self, ledger: Ledger, factory: str) -> None:
        """A cursor shows up neither among the active runs nor in the listing."""
        ledger.save_cursor(factory, Cursor(polled_until=NOON))
        assert ledger.active(factory) == []
        assert listed(ledger, factory) == []

    def test_what_is_unknown_is_not_found(self, ledger: Ledger, factory: str) -> None:
        """Keys and runIds that nobody claimed name nothing."""
        assert ledger.get(factory, "nobody") is None
        assert ledger.find(factory, UUID(int=0)) is None

    def test_a_ledger_that_can_be_read_is_healthy(self, ledger: Ledger) -> None:
        """The health check of a ledger that works raises nothing."""
        ledger.check()

    def test_a_reading_is_not_changed_by_what_its_reader_does(self, ledger: Ledger, factory: str) -> None:
        """Parameters that a reader changes in place stay as they were in the ledger."""
        ledger.claim(a_record(factory, "mine", parameters={"list": [1]}))
        first = ledger.get(factory, "mine")
        assert isinstance(first, Stored)
        first.record.parameters["list"].append(2)
        second = ledger.get(factory, "mine")
        assert second is not None
        assert second.record.parameters == {"list": [1]}

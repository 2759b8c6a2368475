"""What every ledger keeps to of places: they are written with a record, or not at all."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.places import Holder, KeptPlaces, Places, name_of
from adf_trigger.ledger.port import Ledger, Stored
from adf_trigger.ledger.records import RunRecord
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.contracts.ledger_steps import LedgerClaims, at_once, leaves_no_trace, listed, told

NAME = name_of("load", "parameters.customer", '"A"')


def empty(name: str = NAME) -> KeptPlaces:
    """Places that nobody has taken yet."""
    return KeptPlaces(Places(name=name, pipeline="load", by="parameters.customer", key='"A"'))


def with_holder(kept: KeptPlaces, record: RunRecord) -> KeptPlaces:
    """The places with one more who has one."""
    holders = (*kept.places.holders, Holder(record.request_id, record.run_id))
    return replace(kept, places=replace(kept.places, holders=holders, issued=kept.places.issued + 1))


def present(ledger: Ledger, factory: str, name: str = NAME) -> KeptPlaces:
    """The places as they are now."""
    return ledger.places(factory, name) or empty(name)


class PlacesContract(LedgerClaims):
    """Rows of places beside the records."""

    def test_a_claim_takes_its_place_with_it(self, ledger: Ledger, factory: str) -> None:
        """Record and places are there together, and the places are found by their name and among all."""
        record = a_record(factory)
        assert ledger.places(factory, NAME) is None
        wanted = with_holder(empty(), record)
        assert ledger.claim(record, wanted).created
        kept = ledger.places(factory, NAME)
        assert kept is not None
        assert kept.places == wanted.places
        assert kept.etag
        assert ledger.all_places(factory) == [kept]

    def test_a_claim_on_places_that_have_changed_leaves_no_trace(self, ledger: Ledger, factory: str) -> None:
        """Of two who have read the same, the second writes neither record nor places."""
        first, second = a_record(factory, "first"), a_record(factory, "second")
        ledger.claim(first, with_holder(empty(), first))
        after_first = present(ledger, factory)
        third = a_record(factory, "third")
        ledger.claim(third, with_holder(after_first, third))
        kept = present(ledger, factory)
        for stale in (empty(), after_first):
            with pytest.raises(LedgerConflict):
                ledger.claim(second, with_holder(stale, second))
            assert leaves_no_trace(ledger, second)
        assert ledger.places(factory, NAME) == kept

    def test_a_repeat_finds_the_earlier_record_and_writes_no_places(
        self, ledger: Ledger, factory: str
    ) -> None:
        """Whether or not the places have changed since."""
        record = a_record(factory)
        ledger.claim(record, with_holder(empty(), record))
        kept = present(ledger, factory)
        for places in (empty(), kept):
            claim = ledger.claim(replace(record, run_id=uuid4()), with_holder(places, record))
            assert not claim.created
            assert claim.stored.record == record
        assert ledger.places(factory, NAME) == kept

    def test_a_save_writes_its_places_or_nothing(self, ledger: Ledger, factory: str) -> None:
        """It loses whole where either has changed, and is seen whole where neither has."""
        stored = ledger.claim(a_record(factory)).stored
        moved = replace(stored.record, attempts=1, not_before=NOON)
        other = a_record(factory, "other")
        ledger.claim(other, with_holder(empty(), other))
        with pytest.raises(LedgerConflict):
            ledger.save(stored, moved, with_holder(empty(), moved))
        assert ledger.get(factory, moved.request_id) == stored
        kept = present(ledger, factory)
        saved = ledger.save(stored, moved, with_holder(kept, moved))
        assert ledger.get(factory, moved.request_id) == saved
        assert present(ledger, factory).places == with_holder(kept, moved).places
        kept = present(ledger, factory)
        with pytest.raises(LedgerConflict):
            ledger.save(stored, replace(moved, attempts=2), with_holder(kept, moved))
        assert ledger.places(factory, NAME) == kept

    def test_a_reclaim_writes_its_places_or_nothing(self, ledger: Ledger, factory: str) -> None:
        """As a claim does."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        again = replace(a_record(factory, stored.record.request_id), requested_at=NOON + MINUTE)
        other = a_record(factory, "other")
        ledger.claim(other, with_holder(empty(), other))
        with pytest.raises(LedgerConflict):
            ledger.reclaim(stored, again, with_holder(empty(), again))
        assert ledger.get(factory, again.request_id) == stored
        kept = present(ledger, factory)
        reclaimed = ledger.reclaim(stored, again, with_holder(kept, again))
        assert ledger.get(factory, again.request_id) == reclaimed
        assert present(ledger, factory).places == with_holder(kept, again).places

    def test_places_are_removed_as_they_were_read(self, ledger: Ledger, factory: str) -> None:
        """Not where they have changed since, or are gone."""
        record, other = a_record(factory, "record"), a_record(factory, "other")
        ledger.claim(record, with_holder(empty(), record))
        read = present(ledger, factory)
        ledger.claim(other, with_holder(read, other))
        with pytest.raises(LedgerConflict):
            ledger.remove_places(factory, read)
        ledger.remove_places(factory, present(ledger, factory))
        assert ledger.places(factory, NAME) is None
        with pytest.raises(LedgerConflict):
            ledger.remove_places(factory, read)
        assert ledger.get(factory, "record") is not None

    def test_places_are_no_runs(self, ledger: Ledger, factory: str) -> None:
        """Neither active, nor in the listing, nor purged; and they have a row each, in order."""
        names = sorted(name_of("load", None, str(number)) for number in range(5))
        records = [a_record(factory, f"r-{number}") for number in range(5)]
        for name, record in zip(names, records, strict=True):
            stored = ledger.claim(record, with_holder(empty(name), record)).stored
            ledger.save(stored, told(record))
        assert ledger.active(factory) == []
        assert len(listed(ledger, factory)) == 5
        assert ledger.purge(factory, published_before=NOON + 60 * MINUTE, limit=10) == 5
        assert [each.places.name for each in ledger.all_places(factory)] == names
        assert [each.places.name for each in ledger.all_places(factory, after=names[1], limit=2)] == names[
            2:4
        ]
        assert ledger.purge(factory, published_before=NOON + 60 * MINUTE, limit=10) == 0

    def test_a_row_holds_as_many_as_a_policy_allows(self, ledger: Ledger, factory: str) -> None:
        """Fifty requests with the longest keys there are."""
        holders = tuple(Holder(f"{number:03d}" + "ü" * 252, UUID(int=number)) for number in range(50))
        record = a_record(factory)
        places = replace(empty(), places=replace(empty().places, holders=holders, key="k" * 256))
        ledger.claim(record, places)
        assert present(ledger, factory).places.holders == holders

    def test_of_many_at_once_each_has_a_number_of_its_own(self, ledger: Ledger, factory: str) -> None:
        """Thirty-two claims from sixteen threads, each repeated until it wins."""

        def claim(number: int) -> Stored:
            record = a_record(factory, f"r-{number}")
            while True:
                try:
                    return ledger.claim(record, with_holder(present(ledger, factory), record)).stored
                except LedgerConflict:
                    continue

        at_once(claim, times=32)
        kept = present(ledger, factory).places
        assert kept.issued == 32
        assert {each.request_id for each in kept.holders} == {f"r-{number}" for number in range(32)}

"""What every ledger keeps to when records go: released, reclaimed, purged."""

from dataclasses import replace
from uuid import uuid4

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.records import ActiveRun, RunState
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_record
from tests.contracts.ledger_steps import LedgerClaims, at_once, leaves_no_trace, listed, names, told


class RemovalContract(LedgerClaims):
    """What goes, goes whole, and once."""

    def test_a_released_key_is_free(self, ledger: Ledger, factory: str) -> None:
        """A release takes every row away, those of former runIds included, and the key may be claimed again."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, replace(stored.record, run_id=uuid4()))
        ledger.release(stored)
        assert leaves_no_trace(ledger, stored.record)
        assert ledger.claim(replace(stored.record, former_run_ids=())).created

    def test_a_release_on_what_has_changed_loses(self, ledger: Ledger, factory: str) -> None:
        """A record that somebody has saved since is not released, and one that is gone not again."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, replace(stored.record, attempts=1))
        with pytest.raises(LedgerConflict):
            ledger.release(stored)
        assert ledger.get(factory, stored.record.request_id) == saved
        ledger.release(saved)
        with pytest.raises(LedgerConflict):
            ledger.release(saved)

    def test_of_releases_at_once_one_wins(self, ledger: Ledger, factory: str) -> None:
        """Of sixteen threads that release one record, one does."""
        stored = ledger.claim(a_record(factory)).stored

        def release(_: int) -> bool:
            try:
                ledger.release(stored)
            except LedgerConflict:
                return False
            return True

        assert at_once(release).count(True) == 1

    def test_a_reclaimed_key_has_the_new_record_alone(self, ledger: Ledger, factory: str) -> None:
        """A reclaim puts all rows of the new record in the place of all rows of the old one."""
        old = ledger.claim(a_record(factory)).stored
        old = ledger.save(old, replace(old.record, run_id=uuid4()))
        old = ledger.save(old, told(old.record))
        new = a_record(factory, requested_at=NOON + 5 * MINUTE, digest="d2")
        stored = ledger.reclaim(old, new)
        assert stored.record == new
        assert ledger.get(factory, new.request_id) == stored
        assert ledger.find(factory, new.run_id) == stored
        assert [ledger.find(factory, run_id) for run_id in old.record.run_ids] == [None, None]
        assert ledger.active(factory) == [ActiveRun.of(new)]
        assert listed(ledger, factory) == [new]

    def test_a_reclaim_on_what_has_changed_loses_whole(self, ledger: Ledger, factory: str) -> None:
        """Of two reclaims from one reading the second leaves nothing of its record."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        winner = ledger.reclaim(stored, a_record(factory, digest="d2"))
        loser = a_record(factory, digest="d3", requested_at=NOON + MINUTE)
        with pytest.raises(LedgerConflict):
            ledger.reclaim(stored, loser)
        assert ledger.find(factory, loser.run_id) is None
        assert listed(ledger, factory) == [winner.record]

    def test_a_reclaim_takes_no_other_request(self, ledger: Ledger, factory: str) -> None:
        """A reclaim neither moves to another key nor takes another request's runId."""
        other = ledger.claim(a_record(factory, "other")).stored
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        with pytest.raises(ValueError, match="same request"):
            ledger.reclaim(stored, a_record(factory, "elsewhere"))
        with pytest.raises(LedgerConflict):
            ledger.reclaim(stored, a_record(factory, run_id=other.record.run_id))
        assert ledger.get(factory, stored.record.request_id) == stored

    def test_purge_removes_what_was_published_before(self, ledger: Ledger, factory: str) -> None:
        """Told records go by the time they were told, the instant itself not included; others stay."""
        for name, minutes in (("long ago", 0), ("just before", 9), ("then", 10), ("after", 11)):
            stored = ledger.claim(a_record(factory, name.replace(" ", "-"))).stored
            ledger.save(stored, told(stored.record, minutes))
        ledger.claim(a_record(factory, "active"))
        assert ledger.purge(factory, published_before=NOON + 10 * MINUTE, limit=100) == 2
        assert sorted(names(listed(ledger, factory))) == ["active", "after", "then"]
        assert names(ledger.active(factory)) == ["active"]

    def test_purge_never_removes_what_is_not_told(self, ledger: Ledger, factory: str) -> None:
        """A record that has ended but is not told stays, however old it is."""
        for state in (RunState.ACCEPTED, RunState.SUBMITTED, RunState.ENDED):
            ledger.claim(a_record(factory, state.value, state=state, ended_at=NOON, published_at=NOON))
        assert ledger.purge(factory, published_before=NOON + 1_000_000 * MINUTE, limit=100) == 0
        assert len(ledger.active(factory)) == 3

    def test_purge_leaves_nothing_of_a_record(self, ledger: Ledger, factory: str) -> None:
        """All rows of a purged record go, those of former runIds included, and its key is free."""
        stored = ledger.claim(a_record(factory)).stored
        for _ in range(2):
            stored = ledger.save(stored, replace(stored.record, run_id=uuid4()))
        stored = ledger.save(stored, told(stored.record))
        assert ledger.purge(factory, published_before=NOON + MINUTE, limit=100) == 1
        assert leaves_no_trace(ledger, stored.record)
        assert ledger.claim(replace(stored.record, former_run_ids=())).created

    def test_purge_stops_at_its_limit_and_goes_on(self, ledger: Ledger, factory: str) -> None:
        """A purge removes no more than it may, and the next one removes the rest."""
        for n in range(5):
            stored = ledger.claim(a_record(factory, f"load-{n}")).stored
            ledger.save(stored, told(stored.record))
        removed = [ledger.purge(factory, published_before=NOON + MINUTE, limit=2) for _ in range(4)]
        assert removed == [2, 2, 1, 0]

    def test_purge_stays_in_its_factory(self, ledger: Ledger, factory: str) -> None:
        """A purge of one factory leaves the records of another."""
        stored = ledger.claim(a_record(factory)).stored
        ledger.save(stored, told(stored.record))
        assert ledger.purge(a_factory(), published_before=NOON + MINUTE, limit=100) == 0
        assert len(listed(ledger, factory)) == 1

    def test_purges_at_once_remove_each_record_once(self, ledger: Ledger, factory: str) -> None:
        """Two purges that overlap neither fail nor count a record twice."""
        for n in range(10):
            stored = ledger.claim(a_record(factory, f"load-{n}")).stored
            ledger.save(stored, told(stored.record))
        removed = at_once(lambda _: ledger.purge(factory, published_before=NOON + MINUTE, limit=100), times=4)
        assert sum(removed) == 10
        assert listed(ledger, factory) == []

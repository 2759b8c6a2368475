"""What every ledger keeps to when a record is saved."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.encoding import MOST_FORMER_RUN_IDS
from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.records import ActiveRun, RunState
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.contracts.ledger_steps import LedgerClaims, at_once, leaves_no_trace, listed, told


class SavingContract(LedgerClaims):
    """Conditional writes, and the rows that move with them."""

    def test_a_save_is_seen_by_every_way_in(self, ledger: Ledger, factory: str) -> None:
        """Record, run, active row and listing all show what was saved."""
        stored = ledger.claim(a_record(factory)).stored
        record = replace(
            stored.record,
            state=RunState.SUBMITTED,
            status="InProgress",
            lease_until=NOON + MINUTE,
            not_before=NOON,
            last_seen_at=NOON,
        )
        saved = ledger.save(stored, record)
        assert saved.record == record
        assert ledger.get(factory, record.request_id) == saved
        assert ledger.find(factory, record.run_id) == saved
        assert ledger.active(factory) == [ActiveRun.of(record)]
        assert listed(ledger, factory) == [record]

    def test_a_save_on_what_has_changed_loses_whole(self, ledger: Ledger, factory: str) -> None:
        """The second of two saves from one reading raises and writes nothing, its active row included."""
        stored = ledger.claim(a_record(factory)).stored
        winner = ledger.save(stored, replace(stored.record, attempts=1))
        with pytest.raises(LedgerConflict):
            ledger.save(stored, replace(told(stored.record), run_id=uuid4()))
        assert ledger.get(factory, stored.record.request_id) == winner
        assert ledger.active(factory) == [ActiveRun.of(winner.record)]

    def test_a_save_on_what_is_gone_loses(self, ledger: Ledger, factory: str) -> None:
        """A record that was released does not come back by a save."""
        stored = ledger.claim(a_record(factory)).stored
        ledger.release(stored)
        with pytest.raises(LedgerConflict):
            ledger.save(stored, replace(stored.record, attempts=1))
        assert leaves_no_trace(ledger, stored.record)

    def test_no_save_at_once_is_lost(self, ledger: Ledger, factory: str) -> None:
        """Forty-eight increments from sixteen threads, each repeated until it wins, make forty-eight."""
        ledger.claim(a_record(factory, "count"))

        def increment(_: int) -> None:
            while True:
                stored = ledger.get(factory, "count")
                assert stored is not None
                try:
                    ledger.save(stored, replace(stored.record, attempts=stored.record.attempts + 1))
                except LedgerConflict:
                    continue
                return

        at_once(increment, times=48)
        counted = ledger.get(factory, "count")
        assert counted is not None
        assert counted.record.attempts == 48

    def test_a_told_record_is_not_active(self, ledger: Ledger, factory: str) -> None:
        """Telling takes the active row away and leaves the record, the run and the listing."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, told(stored.record))
        assert ledger.active(factory) == []
        assert ledger.find(factory, stored.record.run_id) == saved
        assert listed(ledger, factory) == [saved.record]

    def test_a_told_record_can_be_saved_again(self, ledger: Ledger, factory: str) -> None:
        """A later save of a told record neither fails for want of an active row nor makes one."""
        stored = ledger.claim(a_record(factory)).stored
        stored = ledger.save(stored, told(stored.record))
        saved = ledger.save(stored, replace(stored.record, message="told twice"))
        assert ledger.get(factory, saved.record.request_id) == saved
        assert ledger.active(factory) == []

    def test_an_adopted_run_is_found_by_every_run_id(self, ledger: Ledger, factory: str) -> None:
        """A changed runId moves the active row; the chosen one still leads to the record."""
        stored = ledger.claim(a_record(factory)).stored
        chosen, adopted, last = stored.record.run_id, uuid4(), uuid4()
        stored = ledger.save(stored, replace(stored.record, run_id=adopted, state=RunState.SUBMITTED))
        assert stored.record.run_ids == (chosen, adopted)
        stored = ledger.save(stored, replace(stored.record, run_id=last))
        assert stored.record.run_ids == (chosen, adopted, last)
        assert [run.run_id for run in ledger.active(factory)] == [last]
        for run_id in (chosen, adopted, last):
            assert ledger.find(factory, run_id) == stored

    def test_a_run_id_may_come_back(self, ledger: Ledger, factory: str) -> None:
        """A record may return to a runId that it had before."""
        stored = ledger.claim(a_record(factory)).stored
        chosen, adopted = stored.record.run_id, uuid4()
        stored = ledger.save(stored, replace(stored.record, run_id=adopted))
        stored = ledger.save(stored, replace(stored.record, run_id=chosen))
        assert stored.record.run_ids == (adopted, chosen)
        assert [run.run_id for run in ledger.active(factory)] == [chosen]
        assert ledger.find(factory, adopted) == ledger.find(factory, chosen) == stored

    def test_a_run_id_that_comes_with_the_last_step_is_kept(self, ledger: Ledger, factory: str) -> None:
        """A record that is told under another runId leaves no active row under the one before."""
        stored = ledger.claim(a_record(factory)).stored
        saved = ledger.save(stored, replace(told(stored.record), run_id=uuid4()))
        assert ledger.active(factory) == []
        assert ledger.find(factory, saved.record.run_id) == saved

    def test_the_run_of_another_request_is_not_adopted(self, ledger: Ledger, factory: str) -> None:
        """A save that takes another request's runId, present, former or told, loses whole."""
        other = ledger.claim(a_record(factory, "other")).stored
        former = other.record.run_id
        other = ledger.save(other, replace(other.record, run_id=uuid4()))
        other = ledger.save(other, told(other.record))
        mine = ledger.claim(a_record(factory, "mine")).stored
        for taken in (former, other.record.run_id):
            with pytest.raises(LedgerConflict):
                ledger.save(mine, replace(mine.record, run_id=taken))
            assert ledger.find(factory, taken) == other
        assert ledger.get(factory, "mine") == mine
        assert [run.run_id for run in ledger.active(factory)] == [mine.record.run_id]

    @pytest.mark.parametrize(
        "changes", [{"request_id": "other"}, {"factory": "/other"}, {"requested_at": NOON + MINUTE}]
    )
    def test_what_names_a_record_never_changes(
        self, ledger: Ledger, factory: str, changes: dict[str, Any]
    ) -> None:
        """A save that would change a record's key, factory or time of arrival is a fault of the program."""
        stored = ledger.claim(a_record(factory)).stored
        with pytest.raises(ValueError, match="record"):
            ledger.save(stored, replace(stored.record, **changes))
        assert ledger.get(factory, stored.record.request_id) == stored

    def test_of_very_many_run_ids_the_newest_are_kept(self, ledger: Ledger, factory: str) -> None:
        """However often a person names another run as a request's, its rows fit into one transaction, and go whole."""
        run_ids = [uuid4() for _ in range(MOST_FORMER_RUN_IDS + 5)]
        stored = ledger.claim(a_record(factory)).stored
        first = stored.record.run_id
        for run_id in run_ids:
            stored = ledger.save(stored, replace(stored.record, run_id=run_id))
        assert stored.record.run_ids == tuple(run_ids[-MOST_FORMER_RUN_IDS - 1 :])
        assert ledger.find(factory, first) is None
        assert ledger.find(factory, stored.record.run_ids[0]) == stored
        other = ledger.claim(a_record(factory, "other", run_id=first)).stored
        ledger.release(stored)
        assert leaves_no_trace(ledger, stored.record)
        assert ledger.find(factory, first) == other

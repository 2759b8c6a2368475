"""What every ledger keeps to when a key is claimed."""

from dataclasses import fields, replace
from string import ascii_letters, digits

import pytest

from adf_trigger.contracts import HistoryEntry
from adf_trigger.errors import InvalidRequest, LedgerConflict
from adf_trigger.ledger.port import ActivePage, Ledger
from adf_trigger.ledger.records import ActiveRun, CameAs, RunRecord, RunState
from adf_trigger.ledger.room import MAX_RECORD_CHARS, MAX_REQUEST_CHARS
from adf_trigger.results import ActivityError
from tests.contracts.ledger_records import (
    MINUTE,
    NOON,
    a_factory,
    a_full_record,
    a_large_record,
    a_record,
)
from tests.contracts.ledger_steps import THREADS, LedgerClaims, at_once, leaves_no_trace, listed, names

LEGAL_KEYS = [
    "a",
    ".",
    "..",
    "-:._",
    "when.run:active-id",
    ascii_letters + digits + "._:-",
    "0" * 128,
    "z" * 128,
    "z" * 255,
    "a|b",
    "!2f!",
    "raw/2026/a b's (1)+%2F#?\\.csv",
    "ä",
    "中" * 255,
    "\U0001f680" * 255,
]
ILLEGAL_KEYS = ["", "a" * 256, " a", "a\n", "\x00", "\ud800"]


class ClaimingContract(LedgerClaims):
    """Keys, claims, and what a record holds."""

    def test_the_first_claim_of_a_key_creates_the_record(self, ledger: Ledger, factory: str) -> None:
        """A claim of a free key puts the record into the ledger and says so."""
        record = a_record(factory)
        claim = ledger.claim(record)
        assert claim.created
        assert claim.stored.record == record
        assert ledger.get(factory, record.request_id) == claim.stored

    def test_a_repeated_claim_finds_the_earlier_record(self, ledger: Ledger, factory: str) -> None:
        """A claim of a taken key changes nothing and gives the record that has it."""
        first = ledger.claim(a_record(factory))
        second = ledger.claim(a_record(factory, digest="d2", requested_at=NOON + MINUTE))
        assert not second.created
        assert second.stored == first.stored
        assert ledger.active(factory) == [ActiveRun.of(first.stored.record)]
        assert listed(ledger, factory) == [first.stored.record]

    def test_the_very_same_claim_is_created_once(self, ledger: Ledger, factory: str) -> None:
        """A caller that repeats a claim with the runId of the first is told that it was there."""
        record = a_record(factory)
        assert ledger.claim(record).created
        assert not ledger.claim(record).created

    def test_every_field_of_a_record_is_kept(self, ledger: Ledger, factory: str) -> None:
        """A record with every field set comes back as it was, and no field has been left out of the test."""
        record = a_full_record(factory)
        plain = a_record(factory)
        given = {"factory", "request_id", "pipeline", "digest", "requested_at"}
        assert not [
            f.name
            for f in fields(RunRecord)
            if f.name not in given and getattr(record, f.name) == getattr(plain, f.name)
        ]
        ledger.claim(record)
        found = ledger.get(factory, record.request_id)
        assert found is not None
        assert found.record == record

    def test_a_key_belongs_to_its_factory(self, ledger: Ledger, factory: str) -> None:
        """The same key in another factory, even with the same runId, is another request."""
        record = a_record(factory)
        elsewhere = replace(record, factory=a_factory())
        assert ledger.claim(record).created
        assert ledger.claim(elsewhere).created
        assert names(ledger.active(factory)) == [record.request_id]
        assert listed(ledger, elsewhere.factory) == [elsewhere]

    def test_a_factory_is_the_same_in_every_case(self, ledger: Ledger, factory: str) -> None:
        """Resource ids that differ in case alone name one factory."""
        record = a_record(factory)
        ledger.claim(record)
        assert not ledger.claim(replace(record, factory=factory.upper())).created
        assert ledger.find(factory.lower(), record.run_id) is not None

    def test_keys_that_differ_in_case_are_two_keys(self, ledger: Ledger, factory: str) -> None:
        """`Load` and `load` are two requests."""
        assert ledger.claim(a_record(factory, "Load")).created
        assert ledger.claim(a_record(factory, "load")).created
        assert names(listed(ledger, factory)) == ["Load", "load"]

    @pytest.mark.parametrize("key", LEGAL_KEYS)
    def test_every_legal_key_works_everywhere(self, ledger: Ledger, factory: str, key: str) -> None:
        """A record under any legal key is found, listed, saved and released."""
        stored = ledger.claim(a_record(factory, key)).stored
        assert ledger.get(factory, key) == stored
        assert ledger.find(factory, stored.record.run_id) == stored
        assert names(ledger.active(factory)) == [key]
        assert names(listed(ledger, factory)) == [key]
        saved = ledger.save(stored, replace(stored.record, attempts=1))
        ledger.release(saved)
        assert leaves_no_trace(ledger, saved.record)

    @pytest.mark.parametrize("key", ILLEGAL_KEYS)
    def test_an_illegal_key_is_refused_and_names_nothing(
        self, ledger: Ledger, factory: str, key: str
    ) -> None:
        """What cannot be a key is refused as a request and not found as a record."""
        with pytest.raises(InvalidRequest):
            ledger.claim(a_record(factory, key))
        assert ledger.get(factory, key) is None

    def test_a_run_id_has_one_request(self, ledger: Ledger, factory: str) -> None:
        """A claim with the runId of another request loses whole."""
        first = ledger.claim(a_record(factory, "first")).stored
        second = a_record(factory, "second", run_id=first.record.run_id)
        with pytest.raises(LedgerConflict):
            ledger.claim(second)
        assert ledger.get(factory, "second") is None
        assert names(listed(ledger, factory)) == ["first"]
        assert ledger.find(factory, first.record.run_id) == first

    def test_of_claims_at_once_one_creates(self, ledger: Ledger, factory: str) -> None:
        """Sixteen threads that claim one key get one record, which one of them has created."""
        claims = at_once(lambda n: ledger.claim(a_record(factory, digest=f"d{n}")))
        assert [claim.created for claim in claims].count(True) == 1
        assert len({claim.stored.record.run_id for claim in claims}) == 1
        assert len(ledger.active(factory)) == 1

    def test_claims_of_different_keys_do_not_disturb_each_other(self, ledger: Ledger, factory: str) -> None:
        """Sixteen threads that claim a key each all create their record."""
        claims = at_once(lambda n: ledger.claim(a_record(factory, f"load-{n}")))
        assert all(claim.created for claim in claims)
        assert len(ledger.active(factory)) == len(listed(ledger, factory)) == THREADS

    def test_some_of_what_is_active_is_all_of_it_where_that_is_less(
        self, ledger: Ledger, factory: str
    ) -> None:
        """Else as many rows as were asked for, and it says that there may be more."""
        rows = [ActiveRun.of(ledger.claim(a_record(factory, f"load-{n}")).stored.record) for n in range(3)]
        assert ledger.some_active(factory, limit=4) == ActivePage(ledger.active(factory), is_all=True)
        assert not ledger.some_active(factory, limit=3).is_all
        some = ledger.some_active(factory, limit=2)
        assert (len(some.rows), some.is_all) == (2, False)
        assert all(row in rows for row in some.rows)

    def test_large_parameters_are_kept(self, ledger: Ledger, factory: str) -> None:
        """60 KiB of text outside the basic plane comes back whole."""
        parameters = {
            "text": "\U0001f600" * (60 * 1024 // 4),
            "quotes": '"\\' * 5000,
            "control": "\x00\x7f\n",
        }
        stored = ledger.claim(a_record(factory, parameters=parameters)).stored
        found = ledger.get(factory, stored.record.request_id)
        assert found is not None
        assert found.record.parameters == parameters

    @pytest.mark.parametrize("letter", ["x", '"', "\U0010ffff"])
    def test_a_record_of_the_largest_size_is_kept(self, ledger: Ledger, letter: str) -> None:
        """At the size limit, with the largest message and then the longest end, however it is written."""
        new = a_large_record(MAX_REQUEST_CHARS - 32_768, letter, came_as=CameAs(body=bytes(65_536)))
        stored = ledger.claim(new).stored
        assert stored.record == new
        error = ActivityError(activity_name=letter * 256, message=letter * 1024)
        entry = HistoryEntry(at=NOON, by=letter * 256, action="rerun", note=letter * 1024)
        ended = replace(
            new, state=RunState.ENDED, message=letter * 3_000, errors=(error,) * 40, history=(entry,) * 100
        )
        saved = ledger.save(stored, ended)
        assert saved.record.parameters == new.parameters
        assert saved.record.errors
        assert ledger.get(new.factory, new.request_id) == saved

    def test_a_record_may_become_shorter(self, ledger: Ledger, factory: str) -> None:
        """Nothing of a long record is left behind when a short one is saved in its place."""
        stored = ledger.claim(a_record(factory, message="x" * 100_000)).stored
        saved = ledger.save(stored, replace(stored.record, message=None))
        assert ledger.get(factory, saved.record.request_id) == saved

    def test_what_is_too_large_is_refused_with_a_reason(self, ledger: Ledger, factory: str) -> None:
        """A request that leaves no room is the caller's fault; a result that is too long is cut, and marked so."""
        large = {"text": "x" * MAX_REQUEST_CHARS}
        with pytest.raises(InvalidRequest, match="too large"):
            ledger.claim(a_record(factory, parameters=large))
        assert listed(ledger, factory) == []
        stored = ledger.claim(a_record(factory)).stored
        ended = replace(stored.record, state=RunState.ENDED, message="x" * MAX_RECORD_CHARS)
        saved = ledger.save(stored, ended)
        assert saved.record.truncated
        assert ledger.get(factory, stored.record.request_id) == saved

    def test_infinity_is_not_changed_into_null(self, ledger: Ledger, factory: str) -> None:
        """A parameter that JSON has no word for comes back as it was taken."""
        ledger.claim(a_record(factory, "inf", parameters={"limit": float("inf")}))
        found = ledger.get(factory, "inf")
        assert found is not None
        assert found.record.parameters == {"limit": float("inf")}

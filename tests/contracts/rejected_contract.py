"""What keeps to kept messages, whatever keeps them. A subclass gives `rejected`."""

from dataclasses import replace
from typing import Any

import pytest

from adf_trigger.errors import Fault, LedgerConflict
from adf_trigger.ledger.kept_messages import Fate, KeptMessage
from adf_trigger.ledger.listing import Question
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.ledger.rejected_rows import MAX_FAULTS
from tests.contracts.ledger_records import MINUTE, NOON


def a_message(name: str = "m-1", **changes: Any) -> KeptMessage:
    """A rejected message, unless told otherwise."""
    fields: dict[str, Any] = {
        "factory": "/factory",
        "name": name,
        "request_id": "k",
        "message_id": name,
        "pipeline": "load",
        "body": b'{"pipeline": "load"}',
        "reason": "the message has faults",
        "received_at": NOON,
        "rejected_at": NOON + MINUTE,
    }
    return KeptMessage(**{**fields, **changes})


class RejectedContract:
    """The claims, each on a place of its own."""

    @pytest.fixture
    def rejected(self) -> RejectedMessages:
        """What is under test; the subclass gives it."""
        raise NotImplementedError

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff\x00\xfe",
            b"\xef\xbb\xbf{} \r\n",
            "ü\uffff".encode(),
            bytes(range(256)) * 256,
            b"x" * 60_000,
        ],
        ids=lambda body: f"{len(body)} bytes",
    )
    def test_bytes_come_back_as_they_were(self, rejected: RejectedMessages, body: bytes) -> None:
        """Whatever a queue can hold is kept whole, with all that is known of it."""
        message = a_message(
            factory="",
            body=body,
            masked=("password",),
            faults=(Fault("/a", "ü\ud7ff is wrong"),),
            taken_as="other",
            attempts=7,
        )
        assert rejected.keep(message) == message
        assert rejected.get(message.key) == message
        assert rejected.list(limit=10) == [message]

    def test_a_message_is_kept_once(self, rejected: RejectedMessages) -> None:
        """Delivered again, the first record stays as it is and is given back."""
        first = a_message()
        rejected.keep(first)
        again = replace(first, rejected_at=NOON + 2 * MINUTE, attempts=2)
        assert rejected.keep(again) == first
        assert rejected.list(limit=10) == [first]

    def test_what_waited_gives_way_to_what_is_rejected(self, rejected: RejectedMessages) -> None:
        """A message that was kept aside is not its own rejection."""
        rejected.keep(a_message(waiting=True))
        last = a_message(reason="it has faults")
        assert rejected.keep(last) == last
        assert rejected.get(last.key) == last

    def test_a_change_takes_the_place_of_what_was_read(self, rejected: RejectedMessages) -> None:
        """On condition that it is still as it was, and there at all."""
        first = rejected.keep(a_message(body=b"x" * 130_000))
        sent = rejected.change(replace(first, body=b"{}").sent(NOON + MINUTE, by="me"))
        assert rejected.list(limit=10) == [sent]
        for stale in (first, replace(sent, etag=first.etag)):
            with pytest.raises(LedgerConflict):
                rejected.change(stale)
        read = rejected.get(first.key)
        assert read == sent
        dismissed = rejected.change(read.dismissed(NOON + 2 * MINUTE, by="ann", note="sent twice"))
        assert dismissed.fate == Fate(what="dismissed", at=NOON + 2 * MINUTE, by="ann", note="sent twice")
        rejected.remove(first.key)
        with pytest.raises(LedgerConflict):
            rejected.change(read)
        assert rejected.list(limit=10) == []

    def test_what_was_rejected_once_is_not_rejected_anew(self, rejected: RejectedMessages) -> None:
        """Whatever became of it since, a late delivery of it changes nothing."""
        first = rejected.keep(a_message())
        for change in (KeptMessage.sent, KeptMessage.taken, KeptMessage.returned, KeptMessage.dismissed):
            read = rejected.get(first.key)
            assert read is not None
            now = rejected.change(change(read, NOON + MINUTE))
            assert rejected.keep(a_message()) == now
            assert rejected.get(first.key) == now

    def test_what_waits_for_long_is_found(self, rejected: RejectedMessages) -> None:
        """By when it was last put into the queue; not what was taken, dismissed or rejected, nor what is gone."""
        aside = rejected.keep(a_message("aside", waiting=True, rejected_at=NOON))
        sent = rejected.change(rejected.keep(a_message("sent")).sent(NOON + MINUTE))
        rejected.keep(a_message("rejected"))
        for name, change in (("taken", KeptMessage.taken), ("gone", KeptMessage.dismissed)):
            read = rejected.change(rejected.keep(a_message(name)).sent(NOON))
            rejected.change(change(read, NOON))
        back = rejected.change(rejected.keep(a_message("back")).sent(NOON))
        rejected.change(back.returned(NOON))
        assert rejected.overdue(before=NOON, limit=9) == []
        assert rejected.overdue(before=NOON + MINUTE, limit=9) == [aside]
        assert rejected.overdue(before=NOON + 2 * MINUTE, limit=9) == [aside, sent]
        assert rejected.overdue(before=NOON + 2 * MINUTE, limit=1) == [aside]
        rejected.change(sent.sent_again(NOON + 3 * MINUTE))
        rejected.remove(aside.key)
        assert rejected.overdue(before=NOON + 2 * MINUTE, limit=9) == []

    def test_what_waits_is_not_purged(self, rejected: RejectedMessages) -> None:
        """However old it is and however many of it there are; nor what has just come back from the queue."""
        for n in range(4):
            rejected.keep(a_message(f"aside-{n}", waiting=True))
        rejected.change(rejected.keep(a_message("back")).returned(NOON + 5 * MINUTE))
        old = rejected.change(rejected.keep(a_message("taken")).taken(NOON + 5 * MINUTE))
        later = rejected.keep(a_message("later", received_at=NOON + MINUTE))
        assert rejected.purge(received_before=NOON + 2 * MINUTE, limit=2) == 2
        assert rejected.get(old.key) is None
        assert rejected.get(later.key) is None
        assert rejected.purge(received_before=NOON + 2 * MINUTE, limit=2) == 0
        assert rejected.purge(received_before=NOON + 6 * MINUTE, limit=2) == 1
        assert len(rejected.list(limit=9)) == 4

    def test_messages_are_listed_in_order_of_arrival_by_pages(self, rejected: RejectedMessages) -> None:
        """Oldest first, each once."""
        kept = [a_message(f"m/{9 - n}", received_at=NOON + n * MINUTE) for n in range(7)]
        for message in [*kept[::2], *kept[1::2]]:
            rejected.keep(message)
        found: list[KeptMessage] = []
        while page := rejected.list(after=found[-1].key if found else "", limit=3):
            found += page
        assert found == kept

    def test_what_is_removed_is_gone(self, rejected: RejectedMessages) -> None:
        """A removal takes one message away, and may be repeated."""
        first, other = a_message("a"), a_message("b")
        rejected.keep(first)
        rejected.keep(other)
        for _ in range(2):
            rejected.remove(first.key)
            assert rejected.get(first.key) is None
        assert rejected.list(limit=10) == [other]

    def test_what_is_old_is_purged_within_bounds(self, rejected: RejectedMessages) -> None:
        """Those that came before an instant go, the oldest first, so many at a time."""
        kept = [a_message(f"m{n}", received_at=NOON + n * MINUTE) for n in range(5)]
        for message in kept:
            rejected.keep(message)
        assert rejected.purge(received_before=NOON + 3 * MINUTE, limit=2) == 2
        assert rejected.list(limit=10) == kept[2:]
        assert rejected.purge(received_before=NOON + 3 * MINUTE, limit=2) == 1
        assert rejected.purge(received_before=NOON + 3 * MINUTE, limit=2) == 0
        assert rejected.list(limit=10) == kept[3:]

    def test_a_message_is_found_by_its_id_and_by_its_request_s(self, rejected: RejectedMessages) -> None:
        """Of several one that waits, else the newest that was not dismissed, else such a one; none that is gone."""
        old, new = (a_message(f"m{n}", request_id="k:1", received_at=NOON + n * MINUTE) for n in range(2))
        for message in (new, old, a_message("m3", request_id="k:12")):
            rejected.keep(message)
        left = rejected.change(
            rejected.keep(a_message("m4", request_id="k:1", received_at=NOON + 4 * MINUTE)).dismissed(NOON)
        )
        assert [rejected.find(each) for each in ("k:1", "m0", "m1", "m4")] == [new, old, new, left]
        assert [rejected.find(each) for each in ("m2", "k", "nobody")] == [None, None, None]
        assert [rejected.find("m1", by=by) for by in ("messageId", "requestId")] == [new, None]
        assert [rejected.find("k:1", by=by) for by in ("messageId", "requestId")] == [None, new]
        assert rejected.find("k:1", but=new.key) == old
        taken = rejected.change(
            rejected.keep(a_message("m5", request_id="k:1", received_at=NOON + 3 * MINUTE)).taken(NOON)
        )
        assert rejected.find("k:1") == taken
        rejected.remove(taken.key)
        waits = a_message("m2", request_id="k:1", received_at=NOON - MINUTE, waiting=True)
        rejected.keep(waits)
        assert [rejected.find(each) for each in ("k:1", "m2", "m1")] == [waits, waits, new]
        rejected.remove(waits.key)
        rejected.remove(new.key)
        assert [rejected.find(each) for each in ("k:1", "m1")] == [old, None]
        rejected.purge(received_before=NOON + 9 * MINUTE, limit=9)
        assert rejected.find("k:1") is None

    def test_what_has_no_end_is_cut(self, rejected: RejectedMessages) -> None:
        """Thousands of faults and names fit, and it is said that there are more."""
        faults = tuple(Fault(f"/{'ü' * 900}{n}", "x" * 900) for n in range(3_000))
        message = a_message(faults=faults, masked=("n" * 900,) * 3_000, body=b"x" * 65_536)
        rejected.keep(message)
        kept = rejected.get(message.key)
        assert kept is not None
        assert len(kept.faults) == MAX_FAULTS + 1
        assert kept.faults[-1] == Fault("", f"and {3_000 - MAX_FAULTS} more faults")
        assert kept.body == message.body

    @pytest.mark.parametrize("length", [5_900, 50_000])
    def test_of_a_long_reason_both_ends_are_kept(self, rejected: RejectedMessages, length: int) -> None:
        """A cause may stand at either end; what a run's reason may have is kept whole."""
        reason = f"Data Factory refused it: {'x' * length} no such role"
        message = a_message(reason=reason, faults=(Fault("/parameters", reason),))
        rejected.keep(message)
        kept = rejected.get(message.key)
        assert kept is not None
        for each in (kept.reason, kept.faults[0].message):
            assert each.startswith("Data Factory refused it: x")
            assert each.endswith("x no such role")
        assert (kept.reason == reason) is (length < 8_000)

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_what_was_rejected_is_listed_newest_first(self, rejected: RejectedMessages, limit: int) -> None:
        """Of every factory and of none, page by page, each once; not what waits, nor what a record stands for."""
        body = b'{"pipeline": "load", "correlationId": "c-1"}'
        for n in range(5):
            name = "m 1/\u00fc" if n == 3 else f"m-{n}"
            rejected.keep(a_message(name, received_at=NOON + n // 2 * MINUTE, body=body if n % 2 else b"?"))
        rejected.keep(a_message("waits", waiting=True))
        rejected.keep(a_message("request:0123:k:0"))
        pages = [rejected.listing(Question(), limit=limit)]
        while pages[-1].read_to is not None:
            pages.append(rejected.listing(Question(), after=pages[-1].read_to, limit=limit))
        runs = [entry.run for page in pages for entry in page.entries]
        assert runs[0].message_id == "m-4"
        assert [run.requested_at for run in runs] == [NOON + n * MINUTE for n in (2, 1, 1, 0, 0)]
        assert len({run.message_id for run in runs}) == 5
        assert {run.status for run in runs} == {"Rejected"}
        assert {run.reason for run in runs} == {"the message has faults"}
        assert [run.correlation_id for run in runs if run.message_id == "m-1"] == ["c-1"]

    def test_it_is_listed_where_it_is_asked_for(self, rejected: RejectedMessages) -> None:
        """By factory, pipeline, correlation id and time, as runs are."""
        for n in range(4):
            message = a_message(
                f"m-{n}",
                received_at=NOON + n * MINUTE,
                factory="/A" if n % 2 else "",
                pipeline="Load" if n > 1 else "copy",
                body=b'{"correlationId": "c"}' if n in (1, 2) else b"{}",
            )
            rejected.keep(message)

        def names(**asked: Any) -> list[str | None]:
            entries = rejected.listing(Question(**asked), limit=10).entries
            return [entry.run.message_id for entry in entries]

        assert names() == ["m-3", "m-2", "m-1", "m-0"]
        assert names(factories=frozenset({"/a"})) == ["m-3", "m-1"]
        assert names(pipeline="load") == ["m-3", "m-2"]
        assert names(correlation_id="c") == ["m-2", "m-1"]
        assert names(since=NOON + MINUTE, until=NOON + 3 * MINUTE) == ["m-2", "m-1"]
        assert names(statuses=frozenset({"Failed"})) == []

    def test_what_is_kept_no_longer_is_not_listed(self, rejected: RejectedMessages) -> None:
        """Neither what was removed nor what was purged; what waited is, once it is rejected."""
        rejected.keep(a_message("m-0"))
        rejected.keep(a_message("m-1", received_at=NOON + MINUTE))
        rejected.keep(a_message("m-2", received_at=NOON + 2 * MINUTE, waiting=True))
        assert rejected.purge(received_before=NOON + MINUTE, limit=10) == 1
        rejected.remove(a_message("m-1", received_at=NOON + MINUTE).key)
        assert rejected.listing(Question(), limit=10).entries == []
        rejected.keep(a_message("m-2", received_at=NOON + 2 * MINUTE))
        assert [entry.run.message_id for entry in rejected.listing(Question(), limit=10).entries] == ["m-2"]

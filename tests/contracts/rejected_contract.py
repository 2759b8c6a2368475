"""What keeps to kept messages, whatever keeps them. A subclass gives `rejected`."""

from dataclasses import replace
from typing import Any

import pytest

from adf_trigger.errors import Fault
from adf_trigger.ledger.rejected import MAX_FAULTS, KeptMessage, RejectedMessages
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

    def test_put_takes_the_place_of_what_there_was(self, rejected: RejectedMessages) -> None:
        """It is written whatever is there."""
        rejected.keep(a_message(body=b"x" * 130_000))
        later = a_message(waiting=True)
        rejected.put(later)
        assert rejected.list(limit=10) == [later]

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
        """The newest of several, those that wait apart, and none that is gone."""
        old, new = (a_message(f"m{n}", request_id="k:1", received_at=NOON + n * MINUTE) for n in range(2))
        waits = a_message("m2", request_id="k:1", received_at=NOON + 2 * MINUTE, waiting=True)
        for message in (new, old, waits, a_message("m3", request_id="k:12")):
            rejected.keep(message)
        assert [rejected.find(each) for each in ("k:1", "m0", "m1")] == [new, old, new]
        assert [rejected.find(each, waiting=True) for each in ("k:1", "m2", "m1")] == [waits, waits, None]
        assert [rejected.find(each) for each in ("m2", "k", "nobody")] == [None, None, None]
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

from datetime import UTC, datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adf_trigger.errors import InvalidRequest
from adf_trigger.ledger.keys import (
    continuation_of,
    end_of_instant,
    key_of,
    message_key,
    partition_key,
    pipeline_key,
    request_id_of,
    rows_of_kind,
    run_key,
    when_key,
)
from adf_trigger.request_ids import is_request_id

FACTORY = (
    "/subscriptions/AAAA/resourceGroups/rg-Loads_(prod).x/providers/Microsoft.DataFactory/factories/ADF-1"
)
instants = st.datetimes(timezones=st.just(UTC))
request_ids = st.from_regex(r"[A-Za-z0-9._:\-]{1,128}", fullmatch=True)
"""Ids that need no encoding."""
any_ids = st.text(min_size=1, max_size=255).filter(is_request_id)
any_text = st.text(min_size=1, max_size=40)


def test_a_partition_can_be_read_by_people() -> None:
    """The partition of a factory is its resource id in lower case, separated by bars."""
    assert partition_key(FACTORY) == (
        "subscriptions|aaaa|resourcegroups|rg-loads_(prod).x|providers|microsoft.datafactory|factories|adf-1"
    )


@given(any_text)
@example("/a\\b#c?d%e\x00\x7f\x9f f|g!h")
def test_a_partition_has_no_forbidden_characters(factory: str) -> None:
    """No partition holds what Table storage forbids in keys, or what clients stumble over."""
    partition = partition_key(factory)
    assert not set(partition) & set("/\\#?%'+ ")
    assert all(character.isprintable() for character in partition)


@given(any_text, any_text)
@example("a/b", "a|b")
@example("a!2f!b", "a/b")
@example("a b", "a!20!b")
def test_no_two_factories_share_a_partition(one: str, other: str) -> None:
    """Partitions are equal only where the ids differ in case and outer slashes alone."""
    same = one.lower().strip("/") == other.lower().strip("/")
    assert (partition_key(one) == partition_key(other)) == same


@given(instants, request_ids, instants, request_ids)
def test_later_requests_have_lower_keys(one: datetime, a: str, other: datetime, b: str) -> None:
    """Keys of the listing compare as time backwards, then as the request id."""
    first, second = when_key(one, a), when_key(other, b)
    assert (first < second) == (one > other or (one == other and a < b))


@given(instants, request_ids, instants)
def test_the_end_of_an_instant_divides_the_listing(
    requested_at: datetime, key: str, instant: datetime
) -> None:
    """Requests of that instant or later lie before its end, all others behind it."""
    assert (when_key(requested_at, key) < end_of_instant(instant)) == (requested_at >= instant)


@given(instants, request_ids)
def test_all_rows_of_a_kind_lie_between_its_bounds(requested_at: datetime, key: str) -> None:
    """The bounds of the listing hold every row of it, and no row of another kind."""
    after, before = rows_of_kind("when")
    assert after < when_key(requested_at, key) < before
    assert not after < "run|load" < before
    assert not after < "cursor|" < before


@given(instants, request_ids)
def test_a_continuation_leads_back_to_its_row(requested_at: datetime, key: str) -> None:
    """A continuation is text that a URL can carry, and decodes to the row it was made of."""
    row = when_key(requested_at, key)
    continuation = continuation_of(row)
    assert continuation.replace("-", "").replace("_", "").isalnum()
    assert key_of(continuation) == row
    assert request_id_of(row) == key


@given(st.text())
@example(continuation_of("run|load"))
@example(continuation_of("when|1|load"))
@example(continuation_of("when|936067967999999999|a|b"))
@example(continuation_of("when|936067967999999999|a\n"))
def test_an_invalid_continuation_is_refused(text: str) -> None:
    """Only our own text is accepted as a continuation."""
    with pytest.raises(InvalidRequest):
        key_of(text)


def test_the_time_zone_does_not_matter() -> None:
    """One instant has one key, in whatever zone it is written."""
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert when_key(noon, "a") == when_key(noon.astimezone(timezone.max), "a")


@given(any_ids, instants)
@example("/a\\b#c?d%e f|g!h'+", datetime(2026, 1, 1, tzinfo=UTC))
@example("\U0010fffd" * 255, datetime(2026, 1, 1, tzinfo=UTC))
def test_the_rows_of_any_request_have_keys_that_storage_accepts(
    request_id: str, requested_at: datetime
) -> None:
    """For any request id, its keys are short, plain ASCII, and have none of the forbidden characters."""
    for key in (run_key(request_id), when_key(requested_at, request_id), message_key("f" * 64, request_id)):
        assert key.isascii()
        assert len(key) <= 512
        assert not set(key) & set("/\\#?%'+ ")


@given(any_ids, any_ids)
@example("a!2f!b", "a/b")
@example("!a", "a")
@example("/" * 200 + "a", "/" * 200 + "b")
@example(f"{'!2f!' * 20}", "/" * 20)
def test_two_requests_never_share_a_row(one: str, other: str) -> None:
    """Keys are equal only where the ids are."""
    assert (run_key(one) == run_key(other)) == (one == other)


@given(request_ids)
def test_an_id_of_an_earlier_version_keeps_its_key(request_id: str) -> None:
    """A request that an earlier version accepted is found under the same row."""
    assert run_key(request_id) == f"run|{request_id}"


@given(any_ids, instants)
@example("\U0010fffd" * 255, datetime(2026, 1, 1, tzinfo=UTC))
def test_a_continuation_may_stand_at_any_request(request_id: str, requested_at: datetime) -> None:
    """A page of the listing may end at a request of any id."""
    row = when_key(requested_at, request_id)
    assert key_of(continuation_of(row)) == row


@given(st.text(min_size=1, max_size=260))
@example("/a\\b#c?d%e\x00\x7f\x9f f|g!h")
@example("\U0010ffff" * 260)
def test_the_row_of_a_pipeline_has_a_key_that_storage_accepts(name: str) -> None:
    """For any name, its key is short, plain ASCII, and has none of the forbidden characters."""
    key = pipeline_key(name)
    assert key.isascii()
    assert len(key) <= 512
    assert not set(key) & set("/\\#?%'+ ")
    assert not any(ord(character) < 32 for character in key)


@given(any_text, any_text)
@example("a!7c!b", "a|b")
@example("A", "a")
def test_pipelines_share_a_row_only_if_they_share_a_name(one: str, other: str) -> None:
    """Two names have one key exactly if they differ only in case."""
    assert (pipeline_key(one) == pipeline_key(other)) == (one.lower() == other.lower())


def test_the_row_of_a_pipeline_lies_outside_the_scans() -> None:
    """No scan of a kind of rows includes it."""
    for kind in ("active", "when"):
        first, last = rows_of_kind(kind)
        assert not first < pipeline_key(f"{kind}|x") < last

from datetime import UTC, datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adf_trigger.contracts import REQUEST_ID_PATTERN
from adf_trigger.errors import InvalidRequest
from adf_trigger.ledger.keys import (
    continuation_of,
    end_of_instant,
    is_request_id,
    key_of,
    partition_key,
    pipeline_key,
    request_id_of,
    rows_of_kind,
    when_key,
)

FACTORY = (
    "/subscriptions/AAAA/resourceGroups/rg-Loads_(prod).x/providers/Microsoft.DataFactory/factories/ADF-1"
)
instants = st.datetimes(timezones=st.just(UTC))
request_ids = st.from_regex(REQUEST_ID_PATTERN, fullmatch=True).filter(lambda text: "\n" not in text)
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
    """What was requested at an instant or later lies before its end, all else behind it."""
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
    """A continuation is text that a URL can carry, and gives back the row it was made of."""
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
def test_what_is_no_continuation_is_refused(text: str) -> None:
    """No text but our own is taken for a continuation."""
    with pytest.raises(InvalidRequest):
        key_of(text)


def test_a_time_zone_does_not_matter() -> None:
    """One instant has one key, in whatever zone it is written."""
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert when_key(noon, "a") == when_key(noon.astimezone(timezone.max), "a")


@pytest.mark.parametrize(
    ("text", "legal"), [("a", True), ("a" * 128, True), ("a" * 129, False), ("a\n", False)]
)
def test_request_ids_are_held_to_their_pattern(text: str, legal: bool) -> None:  # noqa: FBT001  # a parametrised value
    """A request id is what the contract says, to its very end."""
    assert is_request_id(text) == legal


@given(st.text(min_size=1, max_size=260))
@example("/a\\b#c?d%e\x00\x7f\x9f f|g!h")
@example("\U0010ffff" * 260)
def test_the_row_of_a_pipeline_is_a_key_that_storage_takes(name: str) -> None:
    """Whatever a pipeline's name, its key is short, plain ASCII, and has none of the forbidden characters."""
    key = pipeline_key(name)
    assert key.isascii()
    assert len(key) <= 512
    assert not set(key) & set("/\\#?%'+ ")
    assert not any(ord(character) < 32 for character in key)


@given(any_text, any_text)
@example("a!7c!b", "a|b")
@example("A", "a")
def test_pipelines_share_a_row_only_if_they_share_a_name(one: str, other: str) -> None:
    """Two names have one key exactly if they differ in nothing but case."""
    assert (pipeline_key(one) == pipeline_key(other)) == (one.lower() == other.lower())


def test_the_row_of_a_pipeline_lies_apart_from_what_is_scanned() -> None:
    """No scan of a kind of rows meets it."""
    for kind in ("active", "when"):
        first, last = rows_of_kind(kind)
        assert not first < pipeline_key(f"{kind}|x") < last

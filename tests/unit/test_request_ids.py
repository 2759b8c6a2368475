"""Which keys there can be, and how a path names them."""

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adf_trigger.request_ids import from_path, in_path, is_request_id

ids = st.text(min_size=1, max_size=255).filter(is_request_id)
tricky = st.text(alphabet="~%/+.aA2F7E é\u4e2d", min_size=1, max_size=12).filter(is_request_id)


def handed_over(segment: str) -> str:
    """What the Functions host makes of a segment of a path: decoded once, but for slashes."""
    return unquote(re.sub("%(?=2[fF])", "%25", segment))


@given(ids | tricky)
@example("manual__2026-11-25T06:00:00+00:00")
@example("in/2026/11/a b.csv")
@example("..")
@example("~2E")
@example("%2F")
@example("\U0010fffd" * 255)
def test_what_is_written_into_a_path_is_read_back_on_any_host(request_id: str) -> None:
    """A written id has plain characters alone, so that no host or proxy changes it, and it names that id."""
    segment = in_path(request_id)
    assert re.fullmatch("[A-Za-z0-9_~-]+", segment)
    assert from_path(handed_over(segment)) == request_id == from_path(segment)


@given(ids | tricky, ids | tricky)
@example(".", "~2E")
@example("~7E2E", "~2E")
@example("é", "Ã©")
def test_two_ids_never_meet_in_one_path(one: str, other: str) -> None:
    """No two ids are written alike."""
    assert (in_path(one) == in_path(other)) == (one == other)


@given(ids.filter(lambda text: "~" not in text and "%2f" not in text.lower()))
def test_an_id_that_is_typed_plainly_is_itself(request_id: str) -> None:
    """What a caller percent-encodes or types means itself, slashes included, unless it holds a ~ or %2F."""
    assert from_path(handed_over(quote(request_id, safe=""))) == request_id


@pytest.mark.parametrize(
    ("segment", "request_id"),
    [
        ("~", "~"),
        ("a~b", "a~b"),
        ("~2e", "~2e"),
        ("~41", "~41"),
        ("~C3", "~C3"),
        ("~C3~A9", "é"),
        ("~C0~AF", "~C0~AF"),
        ("~7E", "~"),
        ("~7E2E", "~2E"),
        ("~2E", "."),
        ("a~2Eb.c", "a~2Eb.c"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("a~25" + "2Fb", "a%2Fb"),
        ("%ff", "%ff"),
        ("a+b", "a+b"),
    ],
)
def test_each_segment_has_one_reading(segment: str, request_id: str) -> None:
    """What was not written by the rule to the last byte is the id itself."""
    assert from_path(segment) == request_id


@pytest.mark.parametrize(
    "text",
    ["a", "." * 255, "..", "a b", "中" * 255, "\U0001f680" * 255, 'a"b\\c', "می‌خواهم", "~", "a/b", "a#?%"],
)
def test_keys_are_what_people_have(text: str) -> None:
    """Any text of 255 characters is a key."""
    assert is_request_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 256,
        " a",
        "a ",
        "\u3000a",
        "a\n",
        "a\x00b",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "\ud800",
        "\ufdd0",
        "\uffff",
    ],
)
def test_what_a_header_a_log_or_a_queue_cannot_hold_is_no_key(text: str) -> None:
    """Controls, line ends, halves of characters and blanks at an end are refused."""
    assert not is_request_id(text)

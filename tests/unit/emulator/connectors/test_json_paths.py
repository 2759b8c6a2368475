"""JSONPath of mappings and pagination rules."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.common.json_paths import json_path, matcher
from adf_trigger.emulator.contract.activity import ActivityFailed

NAMES = st.text(min_size=1, max_size=5)


@settings(deadline=None)
@given(st.lists(NAMES | st.integers(min_value=0, max_value=3), min_size=1, max_size=4))
def test_a_path_in_brackets_finds_its_value(steps: list[str | int]) -> None:
    """Any names and indexes, quoted in brackets, lead to the value at their end."""
    value: Any = "found"
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]
    written = "".join(
        f"[{step}]" if isinstance(step, int) else "['" + step.replace("\\", "\\\\").replace("'", "\\'") + "']"
        for step in steps
    )
    assert json_path(f"${written}").find(value) == "found"
    assert json_path(written).find(value) == "found"


BODY = {"data": [{"id": 1}, {"id": 2}], "@odata.nextLink": "u", "next-link": "n", "paging": {"next": None}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [BODY]),
        ("$.data[1].id", [2]),
        ("$.data[-1:].id", [2]),
        ("$.data[-1].id", [2]),
        ("$.data[?(@.id==2)].id", [2]),
        ("$.data[*].id", [1, 2]),
        ("$..id", [1, 2]),
        ("$['@odata.nextLink']", ["u"]),
        ('$["@odata.nextLink"]', ["u"]),
        ("$.next-link", ["n"]),
        ("$.paging.next", [None]),
        ("$.paging.previous", []),
        ("$.data[7]", []),
        ("$.data.id", []),
        ("$.Data", []),
    ],
)
def test_paths_find_all_matches(path: str, expected: list[Any]) -> None:
    """Names, indexes, slices, filters and descendants are found; null is a match, a missing value is none."""
    assert matcher(path)(BODY) == expected


def test_an_invalid_path_is_rejected() -> None:
    """The error repeats the text."""
    with pytest.raises(ActivityFailed, match=r"'\$\.\[\['"):
        matcher("$.[[")

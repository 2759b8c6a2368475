"""Strict reading of typeProperties."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adf_trigger.emulator.connectors.common import settings
from adf_trigger.emulator.connectors.rest.settings import request_headers
from adf_trigger.emulator.contract.activity import ActivityFailed


def test_unknown_properties_are_rejected_by_name() -> None:
    """An unsupported property fails by name; null, empty and false have no effect."""
    settings.forbid_unknown({"a": 1, "b": None, "c": "", "d": False, "type": "x"}, {"a"}, "the test")
    with pytest.raises(ActivityFailed, match="'b' of the test is not emulated"):
        settings.forbid_unknown({"a": 1, "b": 0}, {"a"}, "the test")


@pytest.mark.parametrize(
    ("written", "expected"), [(True, True), ("false", False), ("True", True), (None, False)]
)
def test_flags_may_be_written_as_text(written: Any, expected: bool) -> None:  # noqa: FBT001 - a row of a table
    """true and false are also accepted as strings, which expressions return."""
    assert settings.flag({"f": written}, "f") is expected


@pytest.mark.parametrize(
    ("written", "expected"), [("00:01:40", 100), ("1.00:00:00.5", 86400.5), (7, 7), (None, 1.5), ("", 1.5)]
)
def test_time_spans_are_seconds(written: Any, expected: float) -> None:
    """Time spans, and bare seconds, are accepted; without a value the default holds."""
    assert settings.seconds({"t": written}, "t", 1.5) == expected


@pytest.mark.parametrize(
    "written", ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00", "2026-11-22T10:00:00.0000000"]
)
def test_instants_are_utc(written: str) -> None:
    """Dates with and without a zone are read as UTC, with .NET's seven digits, too."""
    assert settings.instant({"i": written}, "i") == datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (settings.flag, "yes"),
        (settings.text, 1),
        (settings.whole_number, "1.5"),
        (settings.whole_number, True),
        (settings.section, []),
        (settings.instant, "yesterday"),
        (lambda properties, name: settings.seconds(properties, name, 0.0), "soon"),
        (lambda properties, name: settings.required_text(properties, name, "the test"), ""),
    ],
)
def test_values_of_another_type_are_rejected(read: Any, value: Any) -> None:
    """A value of the wrong type fails with the property's name."""
    with pytest.raises(ActivityFailed, match="'p'"):
        read({"p": value}, "p")


@pytest.mark.parametrize(
    "additional",
    [
        {"ACCEPT": "text/xml", "x-a": 1, "user-agent": "mine", "none": None},
        "accept: text/xml\nx-a: 1\n\nUser-Agent: mine",
    ],
)
def test_the_connectors_own_headers_take_precedence(additional: Any) -> None:
    """Accept and the user agent are the connector's, whatever the pipeline sets; other headers are sent."""
    assert request_headers(additional, json_body=False) == {
        "x-a": "1",
        "Accept": "application/json",
        "User-Agent": "azure-data-factory/2.0",
    }


def test_a_body_is_json_by_default() -> None:
    """Content-Type is application/json with a body, or the pipeline's."""
    assert request_headers(None, json_body=True)["Content-Type"] == "application/json"
    headers = request_headers({"content-type": "text/plain"}, json_body=True)
    assert (headers["content-type"], "Content-Type" in headers) == ("text/plain", False)

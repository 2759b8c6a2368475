"""The errors of the emulated service as a whole."""

import inspect
from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from adf_trigger.emulator.arm import arm_errors
from adf_trigger.emulator.common import errors
from adf_trigger.emulator.http.wire import STATUS_OF_CODE

CLASSES = [
    cls
    for module in (errors, arm_errors)
    for _, cls in inspect.getmembers(module, inspect.isclass)
    if issubclass(cls, errors.ServiceError) and not cls.__name__.startswith("_")
]


def test_every_code_with_a_status_is_used() -> None:
    """The table of statuses names no code that is never raised."""
    assert set(STATUS_OF_CODE) <= {cls.code for cls in CLASSES}


def test_every_error_is_in_the_tree() -> None:
    """The tree in the module's docstring shows every class."""
    assert errors.__doc__ is not None
    assert [cls.__name__ for cls in CLASSES if cls.__name__ not in errors.__doc__] == []


def test_only_resource_manager_leaves_target_out() -> None:
    """Data Factory's own errors always have target and details, ARM's never do."""
    assert set(errors.BadRequest("x", target="t").body()) == {"code", "message", "target", "details"}
    assert set(arm_errors.MissingApiVersion().body()) == {"code", "message"}


def test_a_throttled_request_has_a_retry_after() -> None:
    """429 carries Retry-After with the number of seconds in the text."""
    error = arm_errors.RequestsThrottled("read", "sub", "oid", 7)
    assert error.headers == {"Retry-After": "7"}
    assert "after '7' seconds" in str(error)
    assert STATUS_OF_CODE[error.code] == HTTPStatus.TOO_MANY_REQUESTS


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2018, 8, 21, 15, 22, 0, tzinfo=UTC), "8/21/2018 3:22:00 PM"),
        (datetime(2018, 6, 16, 0, 43, 15, tzinfo=UTC), "6/16/2018 12:43:15 AM"),
        (datetime(2018, 12, 1, 10, 5, 9, tzinfo=UTC), "12/1/2018 10:05:09 AM"),
    ],
)
def test_times_in_messages_have_the_american_format(instant: datetime, text: str) -> None:
    """Month, day and hour have no leading zero."""
    assert arm_errors.wall_clock(instant) == text

"""Fixtures that the unit tests of the service share."""

from tests.support.log_records import records_can_be_read  # noqa: F401  # a fixture of all of them

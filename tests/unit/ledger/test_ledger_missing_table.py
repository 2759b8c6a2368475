"""A table that is missing, and that this app may not create."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from adf_trigger.errors import LedgerError
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.ledger.table import TableLedger


class Forbidding:
    """The client of a missing table, in an account where this identity may only read."""

    table_name = "adfruns"

    def get_entity(self, *_: Any, **__: Any) -> None:
        error = ResourceNotFoundError("no such table")
        error.error_code = "TableNotFound"  # type: ignore[attr-defined]  # the SDK sets it so
        raise error

    def create_table(self) -> None:
        error = HttpResponseError("AuthorizationPermissionMismatch at https://account/?sig=hush")
        error.status_code = 403
        raise error


def test_a_missing_table_without_permission_to_create_it_is_reported() -> None:
    """The table and the role are named, and the service's text is not repeated."""
    ledger = TableLedger(Forbidding, create_missing=True)  # type: ignore[arg-type]  # only these methods of a client are used
    with pytest.raises(LedgerError, match=r"adfruns is missing.*Storage Table Data Contributor") as caught:
        ledger.notes().get(APP_SCOPE, "x")
    assert "hush" not in str(caught.value)

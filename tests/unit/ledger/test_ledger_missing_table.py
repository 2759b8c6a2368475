"""A table that is missing, and that this app may not make."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from adf_trigger.errors import LedgerError
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.ledger.table import TableLedger


class Forbidding:
    """The client of a table that is not there, of an account where this identity only reads."""

    table_name = "adfruns"

    def get_entity(self, *_: Any, **__: Any) -> None:
        error = ResourceNotFoundError("no such table")
        error.error_code = "TableNotFound"  # type: ignore[attr-defined]  # the SDK sets it so
        raise error

    def create_table(self) -> None:
        error = HttpResponseError("AuthorizationPermissionMismatch at https://account/?sig=hush")
        error.status_code = 403
        raise error


def test_what_is_missing_and_may_not_be_made_is_said() -> None:
    """The table and the role are named, and the service's text is not repeated."""
    ledger = TableLedger(Forbidding, create_missing=True)  # type: ignore[arg-type]  # as much of a client as is used
    with pytest.raises(LedgerError, match=r"adfruns is missing.*Storage Table Data Contributor") as caught:
        ledger.notes().get(APP_SCOPE, "x")
    assert "hush" not in str(caught.value)

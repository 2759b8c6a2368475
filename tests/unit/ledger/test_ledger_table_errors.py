import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableErrorCode, TableTransactionError

from adf_trigger.ledger.table_errors import GarbledReply, is_lost_race, is_unclear, sentence


def answered(status: int | None, code: str | None = None) -> HttpResponseError:
    """The error of a transaction with this answer of storage."""
    error = TableTransactionError(message="0:what storage says, perhaps with a signature")
    error.status_code = status
    # As azure-data-tables does: it is text or an enum, and not a declared attribute.
    setattr(error, "error_code", code)  # noqa: B010
    return error


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("no connection"),
        ServiceResponseError("reset"),
        IncompleteReadError("half"),
        GarbledReply("not multipart"),
        *(answered(status) for status in (None, 200, 204, 408, 429, 500, 502, 503, 504)),
    ],
)
def test_an_outcome_that_may_have_happened_is_unclear_and_no_conflict(error: AzureError) -> None:
    """Time-outs, resets, partial and empty answers and 5xx leave open whether a write happened."""
    assert is_unclear(error)
    assert not is_lost_race(error)


@pytest.mark.parametrize(
    "error",
    [
        answered(409, "EntityAlreadyExists"),
        answered(412, "UpdateConditionNotSatisfied"),
        answered(412),
        answered(404, "ResourceNotFound"),
    ],
)
def test_a_row_that_is_not_as_read_is_a_lost_race(error: AzureError) -> None:
    """A row that exists, has changed or is gone means that another writer was first, with or without a code."""
    assert is_lost_race(error)
    assert not is_unclear(error)


@pytest.mark.parametrize(
    "error",
    [
        answered(400, "InvalidInput"),
        answered(401),
        answered(403, "AuthorizationFailure"),
        answered(404, "TableNotFound"),
        answered(404, TableErrorCode.TABLE_NOT_FOUND),
        answered(409, "TableBeingDeleted"),
        answered(413, "RequestBodyTooLarge"),
        ClientAuthenticationError("no token"),
    ],
)
def test_a_definite_refusal_is_neither(error: AzureError) -> None:
    """A permanent refusal of storage, or a missing token, is neither repeated nor taken for a conflict."""
    assert not is_unclear(error)
    assert not is_lost_race(error)


def test_a_code_that_is_an_enum_reads_as_the_service_writes_it() -> None:
    """Both forms of a code give the same sentence."""
    assert sentence("reading", answered(404, TableErrorCode.TABLE_NOT_FOUND)) == sentence(
        "reading", answered(404, "TableNotFound")
    )


def test_a_sentence_does_not_repeat_the_text_of_storage() -> None:
    """An error names the kind, the status and the code, and nothing that could quote a signature or URL."""
    assert sentence("writing the ledger", answered(403, "AuthenticationFailed")) == (
        "writing the ledger failed: TableTransactionError, 403, AuthenticationFailed"
    )

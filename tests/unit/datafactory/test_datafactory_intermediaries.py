"""Replies of an intermediary in Data Factory's place: a proxy, a firewall, another gateway."""

from typing import Any

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import (
    FactoryUnusable,
    PreconditionFailed,
    Refused,
    Throttled,
    Unavailable,
    UnknownOutcome,
)
from tests.unit.datafactory.effects import EVERY
from tests.unit.datafactory.service import Service, answer

pytestmark = pytest.mark.untraced


@pytest.mark.parametrize(
    "body", ["<html>blocked", "", {"message": "Bad Request"}, {"code": 403}, [], "denied"]
)
@pytest.mark.parametrize("status", [400, 403, 405, 406, 409, 411, 413, 414, 418, 422, 431, 451])
@pytest.mark.parametrize("name", EVERY)
def test_a_rejection_by_an_intermediary_is_none_of_the_service(
    client: DataFactoryClient, service: Service, name: str, status: int, body: Any
) -> None:
    """A proxy's or a firewall's page rejects neither the request nor a role: the service's errors have a code."""
    service.answers(answer(status, body))
    with pytest.raises(Unavailable if name == "read" else UnknownOutcome):
        EVERY[name](client)


@pytest.mark.parametrize("status", [401, 402, 404, 407, 412, 423, 429])
@pytest.mark.parametrize("name", EVERY)
def test_an_error_that_says_nothing_against_the_request_needs_no_code(
    client: DataFactoryClient, service: Service, name: str, status: int
) -> None:
    """Whichever sender it had, the call was not let through."""
    service.answers(answer(status, "<html>"))
    with pytest.raises(Refused) as caught:
        EVERY[name](client)
    assert isinstance(caught.value, (FactoryUnusable, Throttled, PreconditionFailed))

"""After a 403 the next call has a new token: a role granted by a group is in new tokens alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Transport
from adf_trigger.errors import Forbidden
from tests.unit.datafactory.effects import RUN_ID
from tests.unit.datafactory.service import ENDPOINT, FACTORY, NOW, Service, Tokens, answer

DENIED = answer(403, {"error": {"code": "AuthorizationFailed", "message": "no role"}})


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def test_the_call_after_a_denial_takes_a_new_token_at_most_every_few_minutes(service: Service) -> None:
    """Five denied calls neither all send the first token, nor request five new ones."""
    clock, tokens = Clock(), Tokens(["one", "two", "three"])
    client = DataFactoryClient(
        FACTORY, ManagementApi(Transport(ENDPOINT), tokens, retries=RetryPolicy(attempts=1), clock=clock)
    )
    service.answers(DENIED)
    for minutes in (0, 1, 1, 1, 1):
        clock.now += timedelta(minutes=minutes)
        with pytest.raises(Forbidden):
            client.create_run("load", {}, client_request_id=RUN_ID)
    sent = [call.headers["Authorization"].removeprefix("Bearer ") for call in service.calls]
    assert sent == ["one", "two", "two", "two", "three"]
    assert tokens.invalidated == ["one", "two"]


def test_a_denied_call_is_not_repeated(service: Service, client: DataFactoryClient) -> None:
    """The caller decides when to try again."""
    service.answers(DENIED)
    with pytest.raises(Forbidden):
        client.create_run("load", {}, client_request_id=RUN_ID)
    assert len(service.calls) == 1

"""Messages with secrets: until they are started, only the message has the values."""

import json

import pytest

from adf_trigger.errors import Forbidden, NotSent, Throttled
from adf_trigger.ledger.records import RunState
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

pytestmark = pytest.mark.untraced

MESSAGE = {"pipeline": "secret", "requestId": "key-1", "parameters": {"password": "hunter2-hunter2"}}


@pytest.mark.parametrize(
    "trouble",
    [Throttled("slow", retry_after=20), NotSent("no route"), Forbidden("no role", status=403), LOST_REPLY],
    ids=lambda error: type(error).__name__,
)
def test_a_message_with_secrets_is_put_back_until_its_run_is_started(
    caller: Caller, world: World, trouble: Exception
) -> None:
    """It comes again, sends the request under its key, and is then removed; nothing is started twice."""
    world.submit("teacher")
    world.factory.declare("secret", password={"type": "SecureString"})
    world.factory.fail_next("create_run", trouble)
    body = json.dumps(MESSAGE).encode()
    caller.message(body)
    for _ in range(20):
        if not world.outbox.put_back_texts:
            break
        text, delay = world.outbox.put_back_texts.pop()
        assert 1 <= delay <= 600
        world.tick(after=delay)
        caller.message(text.encode())
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    assert stored.record.state is RunState.SUBMITTED
    assert world.factory.runs[stored.record.run_id].parameters == MESSAGE["parameters"]
    assert len(world.factory.runs) == 2
    assert world.outbox.put_back_texts == []
    assert world.outbox.rejected == []
    assert "hunter2" not in repr(stored)

"""Messages that come while the settings are faulty: put back so that none is lost and none runs twice."""

import pytest

from adf_trigger.functions.unread import unread_text
from adf_trigger.messages.decoding import Message
from tests.support.world import World
from tests.unit.functions.conftest import INSERTED, Caller

PLAIN = b' {"pipeline": "load"} '


@pytest.mark.parametrize("body", [PLAIN, b"no JSON", b'{"requestId": "k", "pipeline": "load"}', b'{"x": 1}'])
def test_a_first_delivery_is_put_back_unchanged(body: bytes) -> None:
    """It cannot have been accepted, so that it may get another id."""
    message = Message.decode(body, message_id="m-1", attempts=1, inserted_at=INSERTED)
    assert unread_text(message) == body.decode()


def test_a_message_that_was_accepted_before_the_settings_broke_starts_no_second_run(
    caller: Caller, world: World
) -> None:
    """The host was killed before it could delete the message, and restarts with faulty settings."""
    caller.message(PLAIN, message_id="m-1")
    again = Message.decode(PLAIN, message_id="m-1", attempts=2, inserted_at=INSERTED)
    text = unread_text(again)
    assert text is not None
    caller.message(text.encode(), message_id="m-2")
    assert len(world.factory.runs) == 1

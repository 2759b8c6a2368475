"""What is done about rejected messages, and what may be lost of them."""

from datetime import timedelta

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.clock import utcnow
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.opening import open_table_ledger
from tests.acceptance.crash.crashes import Crashes


def sent_again(crashes: Crashes, key: str) -> None:
    """A rejected message that is sent again once its pipeline is there."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    pipeline = key.replace(".", "-")
    crashes.send({"pipeline": pipeline, "requestId": key})
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Rejected")
    crashes.stack.define(pipeline)
    crashes.plan.write_text(plan)
    crashes.steer(key, "replay")


def discarded(crashes: Crashes, key: str) -> None:
    """A rejected message that nobody needs any more."""
    plan = crashes.plan.read_text()
    crashes.plan.unlink()
    crashes.send({"pipeline": key.replace(".", "-"), "requestId": key})
    crashes.stack.eventually(lambda: crashes.stack.status(key) == "Rejected")
    crashes.plan.write_text(plan)
    crashes.steer(key, "resolve", {"as": "dismiss"})
    crashes.steer(key, "resolve", {"as": "dismiss"})


def lost_in_the_queue(crashes: Crashes, key: str) -> None:
    """A message that was sent again two days ago, and that nothing in the queue leads to any more."""
    _sent_long_ago(crashes, key)


def lost_with_secrets(crashes: Crashes, key: str) -> None:
    """The same of one that went with values that are not kept."""
    crashes.acknowledged.discard(_sent_long_ago(crashes, key, masked=("password",)))


def _sent_long_ago(crashes: Crashes, key: str, *, masked: tuple[str, ...] = ()) -> str:
    endpoints = crashes.stack.endpoints
    account = StorageAccount(connection_string=endpoints.storage_connection_string)
    messages = open_table_ledger(account, table=endpoints.table, create_missing=False).rejected()
    long_ago = utcnow() - timedelta(days=2)
    kept = messages.keep(
        KeptMessage(
            factory=endpoints.factory_id,
            name=key,
            request_id=key,
            message_id=key,
            pipeline="pause",
            body=b'{"pipeline": "pause"}',
            masked=masked,
            reason="the pipeline was missing",
            received_at=long_ago,
            rejected_at=long_ago,
        )
    )
    messages.change(kept.sent(long_ago))
    crashes.acknowledged.add(key)
    return key

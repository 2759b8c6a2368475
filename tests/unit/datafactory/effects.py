"""One call of the client for each kind of effect."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from adf_trigger.datafactory.calls import Call, Effect
from adf_trigger.datafactory.client import DataFactoryClient

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")

READ: Callable[[DataFactoryClient], Any] = lambda client: client.get_run(RUN_ID)  # noqa: E731  # named in ids
START: Callable[[DataFactoryClient], Any] = lambda client: client.create_run(  # noqa: E731  # named in ids
    "p", {}, client_request_id=RUN_ID
)
CHANGES: dict[str, Callable[[DataFactoryClient], Any]] = {
    "cancel": lambda client: client.cancel_run(RUN_ID),
    "put": lambda client: client.pipelines.create_or_update("p", {}),
    "delete": lambda client: client.datasets.delete("d"),
}
WITH_EFFECT = CHANGES | {"start": START}
EVERY = WITH_EFFECT | {"read": READ}


def call_of(effect: Effect) -> Call:
    """A call of that effect."""
    return Call(operation="Some_Operation", method="POST", path="/x", effect=effect, client_request_id=RUN_ID)

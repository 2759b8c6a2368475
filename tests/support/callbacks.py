"""Addresses to call back, and the callbacks that a service keeps."""

from typing import Any

from adf_trigger.ledger.notes import Note
from adf_trigger.service.callbacks.callbacks import CALLBACKS
from tests.support.world import FACTORY_ID, World

HOST = "https://dpeastus.svc.datafactory.azure.com"
URI = f"{HOST}/dataplane/workflow/callback/1?callbackUrl=a%2fb&sig=secret-part"


def uri_of(number: int) -> str:
    """An address of an activity's own."""
    return f"{HOST}/dataplane/workflow/callback/{number}?sig=secret-part"


def kept(world: World) -> list[Note]:
    """The waiting callbacks."""
    return list(world.notes.named(FACTORY_ID, CALLBACKS))


def finished(world: World, key: str = "key-1", status: str = "Succeeded", **more: Any) -> None:
    """Let the run of a request end in Data Factory."""
    world.factory.finish(world.services.query.find(key).run_id, status, **more)

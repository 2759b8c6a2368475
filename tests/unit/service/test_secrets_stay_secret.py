"""A refusal that quotes a secure parameter's value, from the real client to record, event, answer and log."""

import logging
from collections.abc import Iterator

import pytest

from adf_trigger.contracts import Source
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import BadRequest
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, World
from tests.unit.datafactory.service import (
    FACTORY,
    TOKEN,
    Answer,
    Service,
    Tokens,
    answer,
    management_api,
    served,
)

SECRET = 'hunter2 "quoted" & more'
PIPELINE = {"name": "load", "properties": {"parameters": {"password": {"type": "SecureString"}}}}


@pytest.fixture
def service() -> Iterator[Service]:
    """A Data Factory that refuses every run, and quotes its parameters."""

    def handler(request: object) -> Answer:
        if str(getattr(request, "method", "")) == "GET":
            return answer(200, PIPELINE)
        said = f"parameter password has the value {SECRET}, which is " + "x" * 1_950 + SECRET
        return answer(400, {"error": {"code": "BadRequest", "message": said, "target": SECRET}})

    with served(Service(handler)) as found:
        yield found


@pytest.fixture
def world(service: Service) -> World:  # noqa: ARG001 - it stands behind every URL
    """The use cases over the real client."""
    world = World()
    world.factory = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN])))  # type: ignore[assignment]
    world.restart()
    return world


@pytest.mark.parametrize("source", [Source.HTTP, Source.QUEUE])
def test_a_refusal_that_quotes_a_secret_reveals_nothing(
    world: World, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the caller's answer nor the record, the event, the rejected message or a log has it, whole or in part."""
    caplog.set_level(logging.DEBUG)
    answer = ""
    try:
        world.submit(parameters={"password": SECRET}, source=source)
    except BadRequest as exc:
        answer = repr(vars(exc)) + str(exc)
    world.tick()
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    assert stored.record.status == "Rejected"
    assert published_names(world.outbox.events) == ["key-1/Rejected"]
    logs = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    everything = [answer, repr(stored), repr(world.outbox), repr(world.notes._texts), logs]
    assert not [text[:200] for text in everything if "hunter2" in text]
    assert "***" in str(stored.record.message)

"""A service that is restarted over the same storage with other settings."""

from typing import Any

from adf_trigger.contracts import RunRequest
from adf_trigger.functions.services import Services
from adf_trigger.functions.wiring import wire
from adf_trigger.service.factories import placed
from adf_trigger.service.starting.submit import Submitted
from adf_trigger.service.submission import Submission
from tests.support.memory_factory import MemoryFactory
from tests.support.world import World, settings


def restarted(
    world: World,
    factories: dict[str, tuple[str, MemoryFactory]],
    moved: dict[str, str] | None = None,
    **changes: str,
) -> Services:
    """The service restarted over the same storage, with other factories configured."""
    world.settings = settings(**changes)
    runs = {alias: each for alias, (_, each) in factories.items()}
    return wire(
        world.settings,
        factories=placed({alias: each for alias, (each, _) in factories.items()}, moved or {}, runs),
        ledger=world.ledger,
        declarations=world.declarations,
        notes=world.notes,
        rejected=world.rejected,
        routes=world.routes,
        callback_sender=world.called_back,
        outbox=world.outbox,
        landmark=world.outbox,
        clock=world.clock,
        new_id=world.new_id,
        steps=world.steps,
        tick_threads=world.tick_threads,
        seconds=world.clock.seconds,
    )


def submit(services: Services, key: str, factory: str | None = None, **fields: Any) -> Submitted:
    """Submit a request as the functions do."""
    return services.submitter.submit(
        Submission(
            factory=services.factories.choose(factory),
            pipeline="load",
            request=RunRequest(**fields),
            request_id=key,
        )
    )

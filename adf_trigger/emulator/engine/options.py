"""What may be chosen about the engine."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from adf_trigger.emulator.contract.time_limit import Sleeper


def _east_us(_factory_id: str) -> str:
    return "East US"


@dataclass(slots=True, kw_only=True)
class EngineOptions:
    """Choices; the defaults are those of the service as documented. They may change while the engine runs.

    Attributes:
        sleep: how every wait of the engine is spent: Wait, retry intervals, time-outs.
        location: region of a factory by its id, for outputs that name one.
        strict: keep the service's own limits (100 queued runs a pipeline, activities at once, their payload).
        wait_on_completion: what ExecutePipeline does when waitOnCompletion is left out. The API's
            description says false, the article on the activity says true.
    """

    sleep: Sleeper = asyncio.sleep
    location: Callable[[str], str] = _east_us
    strict: bool = False
    wait_on_completion: bool = False

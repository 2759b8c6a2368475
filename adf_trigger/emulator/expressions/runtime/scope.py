"""The scope of an expression: the values that it can refer to."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any, Final, Literal

from adf_trigger.emulator.common.clock import Clock, IdSource, new_id, utcnow

MAX_EXPRESSION_LENGTH: Final = 8192
"""Maximum characters of one expression, without its `@` or `@{}`, as documented."""

_RANDOM: Final = SystemRandom()


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = enum.auto()


MISSING: Final = Missing.MISSING
"""A missing value, as opposed to null."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """Everything outside an expression that it can refer to. Names are matched case-insensitively.

    Attributes:
        parameters: `pipeline().parameters`.
        global_parameters: `pipeline().globalParameters`.
        system: the other properties of `pipeline()`: RunId, Pipeline, DataFactory, TriggerType, TriggerId,
            TriggerName, TriggerTime, GroupId; for a child run also TriggeredByPipelineName and
            TriggeredByPipelineRunId (otherwise absent, which is why pipelines use `pipeline()?.`).
        variables: `variables('name')`.
        activities: name → value of `activity('name')`: output, error, status (in any case), ActivityRunId, …
        item: `item()`, inside ForEach and Filter.
        dataset: `dataset()`, inside a dataset.
        linked_service: `linkedService()`, inside a linked service.
        trigger: `trigger()`, in the parameters that a trigger passes to its pipelines.
        trigger_body: `triggerBody()`, in the same places.
        clock: the clock of utcNow.
        new_id: makes the GUIDs of guid.
        random: generates the numbers of rand.
        max_expression_length: characters; None for no limit.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    global_parameters: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    activities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    item: Any | Literal[Missing.MISSING] = MISSING
    dataset: Mapping[str, Any] | None = None
    linked_service: Mapping[str, Any] | None = None
    trigger: Any | Literal[Missing.MISSING] = MISSING
    trigger_body: Any | Literal[Missing.MISSING] = MISSING
    clock: Clock = utcnow
    new_id: IdSource = new_id
    random: Random = _RANDOM
    max_expression_length: int | None = MAX_EXPRESSION_LENGTH

    def pipeline(self) -> dict[str, Any]:
        """The value of `pipeline()`."""
        return {
            **self.system,
            "parameters": self.parameters,
            "globalParameters": self.global_parameters,
        }

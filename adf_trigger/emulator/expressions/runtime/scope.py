"""What an expression can see."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any, Final, Literal

from adf_trigger.emulator.common.clock import Clock, IdSource, new_id, utcnow

MAX_EXPRESSION_LENGTH: Final = 8192
"""Characters of one expression, without its `@` or `@{}` (documented limit)."""

_RANDOM: Final = SystemRandom()


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = enum.auto()


MISSING: Final = Missing.MISSING
"""Stands for a missing value, which is not null."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """Everything outside an expression that it can refer to. Names are matched without regard to case.

    Attributes:
        parameters: `pipeline().parameters`.
        global_parameters: `pipeline().globalParameters`.
        system: the other properties of `pipeline()`: RunId, Pipeline, DataFactory, TriggerType, TriggerId,
            TriggerName, TriggerTime, GroupId; for a child run also TriggeredByPipelineName and
            TriggeredByPipelineRunId (absent otherwise, which is why pipelines write `pipeline()?.`).
        variables: `variables('name')`.
        activities: name → what `activity('name')` gives: output, error, status (in any case), ActivityRunId, …
        item: `item()`, inside ForEach and Filter.
        dataset: `dataset()`, inside a dataset.
        linked_service: `linkedService()`, inside a linked service.
        trigger: `trigger()`, in the parameters that a trigger hands over.
        trigger_body: `triggerBody()`, likewise.
        clock: what utcNow reads.
        new_id: where guid comes from.
        random: where rand comes from.
        max_expression_length: characters; None lifts the limit.
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
        """The object that `pipeline()` gives."""
        return {
            **self.system,
            "parameters": self.parameters,
            "globalParameters": self.global_parameters,
        }

"""Scripted faults: rules that tests set through `/_emulator/faults`, and what they make of a request.

Every rule names an operation (or `*`), and may name a factory by its resource id: then it is about that one alone, and
about no call that is of none. A rule of the request kind fires on the requests that match it: after letting
`skip` of them pass, with `probability`, at most `count` times. Several may fire on one request: delays add up, and the
first that ends it wins.

- `status`: answer with `status`, `code`, `message` and `retry_after` (seconds), before or after the effect.
- `delay`: wait `seconds` before or after the effect.
- `reset`: reset the connection (TCP RST) before or after the effect.
- `drop`: close the connection without a reply, before or after the effect.
- `truncate`: let the effect happen, announce the whole body, send half of it and close.

A rule of the visibility kind stands until it is deleted and changes what reads show of each run:

- `missing`: GetRun answers 404, lists leave the run out, for its first `reads` reads or until it is `seconds` old.
- `stale`: a read shows the run as it was before its last change, for `reads` reads or `seconds` after that change.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from adf_trigger.emulator.common.clock import IdSource

_FACTORY_ID = (
    r"(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.DataFactory/factories/[^/]+$"
)


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operation: str = "*"
    factory: str | None = Field(None, pattern=_FACTORY_ID)

    def concerns(self, operation: str, factory: str | None) -> bool:
        """Whether the rule is about an operation of a factory, by its resource id; None for one of no factory."""
        here = self.factory is None or (factory is not None and factory.lower() == self.factory.lower())
        return here and self.operation in {"*", operation}


class RequestFault(_Rule):
    """Fires on single requests."""

    skip: int = Field(0, ge=0)
    count: int | None = Field(None, ge=1)
    probability: float = Field(1.0, gt=0, le=1)
    when: Literal["before", "after"] = "before"


class StatusFault(RequestFault):
    """Another answer than the service would give."""

    fault: Literal["status"]
    status: int = Field(ge=400, le=599)
    code: str = "InternalServerError"
    message: str = "Internal error has occurred."
    retry_after: int | None = Field(None, ge=0)


class DelayFault(RequestFault):
    """A slow answer."""

    fault: Literal["delay"]
    seconds: float = Field(gt=0)


class ResetFault(RequestFault):
    """The connection is reset."""

    fault: Literal["reset"]


class DropFault(RequestFault):
    """The connection is closed without a reply."""

    fault: Literal["drop"]
    when: Literal["before", "after"] = "after"


class TruncateFault(RequestFault):
    """The reply ends in its middle."""

    fault: Literal["truncate"]
    when: Literal["after"] = "after"


class VisibilityFault(_Rule):
    """Changes what reads show of runs."""

    operation: Literal["*", "GetRun", "QueryPipelineRuns"] = "*"
    fault: Literal["missing", "stale"]
    reads: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.reads is None) == (self.seconds is None):
            raise ValueError("give either reads or seconds")
        return self


Terminal = StatusFault | ResetFault | DropFault | TruncateFault
Fault = Annotated[
    StatusFault | DelayFault | ResetFault | DropFault | TruncateFault | VisibilityFault,
    Field(discriminator="fault"),
]
FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


@dataclass(slots=True)
class Plan:
    """What is to happen to one request.

    Attributes:
        delay_before: seconds.
        delay_after: seconds.
        fired: kinds of the faults, for the request log.
    """

    delay_before: float = 0.0
    delay_after: float = 0.0
    before: Terminal | None = None
    after: Terminal | None = None
    fired: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Standing:
    """A rule that has been set, and what it has done."""

    id: UUID
    rule: Fault
    seen: int = 0
    fired: int = 0


_UNTOUCHED = Plan()


class FaultBook:
    """The rules that stand.

    Args:
        new_id: names the rules.
        seed: of the dice behind `probability`.
    """

    def __init__(self, new_id: IdSource, seed: int | None = None) -> None:
        self._new_id = new_id
        self._random = random.Random(seed)  # noqa: S311 - dice for tests, nothing secret
        self._standing: dict[UUID, Standing] = {}

    def seed(self, seed: int) -> None:
        """Make the dice repeatable."""
        self._random.seed(seed)

    def add(self, rules: Sequence[Fault]) -> list[Standing]:
        """Set rules, in order."""
        added = [Standing(self._new_id(), rule) for rule in rules]
        self._standing.update({standing.id: standing for standing in added})
        return added

    def __iter__(self) -> Iterator[Standing]:
        return iter(list(self._standing.values()))

    def remove(self, rule_id: UUID) -> bool:
        """Delete one rule; False if it is not there."""
        return self._standing.pop(rule_id, None) is not None

    def clear(self) -> None:
        """Delete all rules."""
        self._standing.clear()

    def visibility(self, operation: str, factory: str) -> Iterator[tuple[UUID, VisibilityFault]]:
        """Rules about what a read operation shows of a factory's runs."""
        for standing in self._standing.values():
            if isinstance(standing.rule, VisibilityFault) and standing.rule.concerns(operation, factory):
                yield standing.id, standing.rule

    def plan(self, operation: str, factory: str | None = None) -> Plan:
        """What happens to the request that has just come, for a factory or for none."""
        if not self._standing:
            return _UNTOUCHED
        plan = Plan()
        for standing in self._standing.values():
            rule = standing.rule
            if (
                not isinstance(rule, VisibilityFault)
                and rule.concerns(operation, factory)
                and self._fires(standing, rule)
            ):
                plan.fired.append(rule.fault)
                _apply(rule, plan)
        return plan

    def _fires(self, standing: Standing, rule: RequestFault) -> bool:
        standing.seen += 1
        if standing.seen <= rule.skip or (rule.count is not None and standing.fired >= rule.count):
            return False
        if self._random.random() >= rule.probability:
            return False
        standing.fired += 1
        return True


def _apply(rule: DelayFault | Terminal, plan: Plan) -> None:
    if isinstance(rule, DelayFault):
        if rule.when == "before":
            plan.delay_before += rule.seconds
        else:
            plan.delay_after += rule.seconds
    elif rule.when == "before":
        plan.before = plan.before or rule
    else:
        plan.after = plan.after or rule

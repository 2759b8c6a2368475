"""Scripted faults: rules that tests set through `/_emulator/faults`, and their effect on a request.

Every rule names an operation (or `*`), and may name a factory by its resource id: then it applies to that one alone,
and not to calls without a factory. A request rule fires on the requests that match it: after the first `skip` of them,
with `probability`, at most `count` times. Several may fire on one request: delays add up, and the first rule that ends
the request wins.

- `status`: answer with `status`, `code`, `message` and `retry_after` (seconds), before or after the effect.
- `delay`: wait `seconds` before or after the effect.
- `reset`: reset the connection (TCP RST) before or after the effect.
- `drop`: close the connection without a reply, before or after the effect.
- `truncate`: let the effect happen, announce the whole body, send half of it and close.

A visibility rule is active until it is deleted, and changes what reads show of each run:

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
        """Whether the rule applies to an operation of a factory, by its resource id; None for one without a factory."""
        here = self.factory is None or (factory is not None and factory.lower() == self.factory.lower())
        return here and self.operation in {"*", operation}


class RequestFault(_Rule):
    """Fires on single requests."""

    skip: int = Field(0, ge=0)
    count: int | None = Field(None, ge=1)
    probability: float = Field(1.0, gt=0, le=1)
    when: Literal["before", "after"] = "before"


class StatusFault(RequestFault):
    """An answer in place of the service's own."""

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
    """The reply ends halfway."""

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
    """The faults of one request.

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
class ActiveRule:
    """A rule that has been set, and how often it matched and fired."""

    id: UUID
    rule: Fault
    seen: int = 0
    fired: int = 0


_UNTOUCHED = Plan()


class FaultBook:
    """The active rules.

    Args:
        new_id: source of the rules' ids.
        seed: of the random numbers behind `probability`.
    """

    def __init__(self, new_id: IdSource, seed: int | None = None) -> None:
        self._new_id = new_id
        self._random = random.Random(seed)  # noqa: S311 - for tests, nothing secret
        self._rules: dict[UUID, ActiveRule] = {}

    def seed(self, seed: int) -> None:
        """Make the random numbers repeatable."""
        self._random.seed(seed)

    def add(self, rules: Sequence[Fault]) -> list[ActiveRule]:
        """Set rules, in order."""
        added = [ActiveRule(self._new_id(), rule) for rule in rules]
        self._rules.update({active.id: active for active in added})
        return added

    def __iter__(self) -> Iterator[ActiveRule]:
        return iter(list(self._rules.values()))

    def remove(self, rule_id: UUID) -> bool:
        """Delete one rule; False if it is not there."""
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        """Delete all rules."""
        self._rules.clear()

    def visibility(self, operation: str, factory: str) -> Iterator[tuple[UUID, VisibilityFault]]:
        """The rules that change what a read operation shows of a factory's runs."""
        for active in self._rules.values():
            if isinstance(active.rule, VisibilityFault) and active.rule.concerns(operation, factory):
                yield active.id, active.rule

    def plan(self, operation: str, factory: str | None = None) -> Plan:
        """The faults of a request that has just arrived, for a factory or for none."""
        if not self._rules:
            return _UNTOUCHED
        plan = Plan()
        for active in self._rules.values():
            rule = active.rule
            if (
                not isinstance(rule, VisibilityFault)
                and rule.concerns(operation, factory)
                and self._fires(active, rule)
            ):
                plan.fired.append(rule.fault)
                _apply(rule, plan)
        return plan

    def _fires(self, active: ActiveRule, rule: RequestFault) -> bool:
        active.seen += 1
        if active.seen <= rule.skip or (rule.count is not None and active.fired >= rule.count):
            return False
        if self._random.random() >= rule.probability:
            return False
        active.fired += 1
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

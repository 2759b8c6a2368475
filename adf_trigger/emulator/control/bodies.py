"""The request bodies of the control API."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from adf_trigger.emulator.common.options import ClientRequestIdMode
from adf_trigger.emulator.engine.progression import Mode, Progression
from adf_trigger.emulator.faults.rules import Fault
from adf_trigger.emulator.http.routes import OPERATIONS

Outcome = Literal["Succeeded", "Failed", "Cancelled"]

_OPERATION_NAMES = frozenset(operation.name for operation in OPERATIONS)
_MODES = {mode.value.lower(): mode for mode in Mode}
_Name = Annotated[str, StringConstraints(min_length=1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultsBody(_Body):
    """POST faults."""

    rules: list[Fault] = Field(min_length=1)
    seed: int | None = None

    @field_validator("rules")
    @classmethod
    def _known_operations(cls, rules: list[Fault]) -> list[Fault]:
        unknown = {rule.operation for rule in rules} - _OPERATION_NAMES - {"*"}
        if unknown:
            known = ", ".join(sorted(_OPERATION_NAMES))
            raise ValueError(f"unknown operations: {', '.join(sorted(unknown))}; known are {known}")
        return rules


class ProgressionBody(_Body):
    """POST progression."""

    mode: str
    reads: int = Field(0, ge=0)
    seconds: float = Field(0.0, ge=0)
    outcome: Outcome = "Succeeded"
    message: str | None = None
    pipeline: str = ""

    @field_validator("mode")
    @classmethod
    def _known_mode(cls, mode: str) -> str:
        folded = mode.replace("-", "").lower()
        if folded not in _MODES:
            raise ValueError("must be real, at-once, after-reads, after-seconds or held")
        return folded

    def progression(self) -> Progression:
        """The engine's form of it."""
        message = {} if self.message is None else {"message": self.message}
        return Progression(
            mode=_MODES[self.mode], reads=self.reads, seconds=self.seconds, outcome=self.outcome, **message
        )


class ReleaseBody(_Body):
    """POST release."""

    run_id: str | None = None
    outcome: Outcome | None = None


class ClientRequestIdBody(_Body):
    """POST client-request-id."""

    mode: ClientRequestIdMode


class ThrottlingBody(_Body):
    """POST throttling."""

    enabled: bool


class ClockBody(_Body):
    """POST clock."""

    offset_seconds: float | None = None
    advance_seconds: float | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.offset_seconds is None) == (self.advance_seconds is None):
            raise ValueError("give either offset_seconds or advance_seconds")
        return self


class ResetBody(_Body):
    """POST reset."""

    keep: Literal["nothing", "resources"] = "nothing"


class SecretsBody(RootModel[dict[_Name, dict[_Name, SecretStr]]]):
    """PUT secrets."""

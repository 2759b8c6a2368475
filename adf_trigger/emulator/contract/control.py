"""The additional context of control activities: inner runs, variables, child pipelines."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.contract.activity import (
    ActivityContext,
    ActivityFailed,
    ActivityResult,
)


@dataclass(frozen=True, slots=True)
class InnerFailure:
    """The activity that made a branch or an iteration fail."""

    activity_name: str
    message: str


@dataclass(frozen=True, slots=True)
class InnerRun:
    """One run of a container's activities.

    Attributes:
        failure: the activity that made it fail; None if it succeeded.
        evaluate: evaluates a JSON value where the outputs of these activities are visible.
    """

    failure: InnerFailure | None
    evaluate: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A pipeline run that this one has started.

    Attributes:
        run_id: its id.
        ended: resolves to the run when it has ended.
    """

    run_id: str
    ended: asyncio.Future[PipelineRun]


class ControlContext(ActivityContext, Protocol):
    """An activity's context that can also control the run."""

    def evaluate_for(self, item: Any, value: Any) -> Any:
        """Evaluate a JSON value in which `item()` is the given item.

        Raises:
            ActivityFailed: an expression cannot be evaluated.
        """

    async def run_inner(self, activities: Sequence[dict[str, Any]]) -> InnerRun:
        """Run the activities of a branch to their end; `item()` does not change."""

    async def run_iteration(self, activities: Sequence[dict[str, Any]], number: int, *items: Any) -> InnerRun:
        """Run the activities of a loop once; their activity runs share an iterationHash.

        Args:
            activities: the loop's activities.
            number: which iteration this is, from 0.
            items: value of `item()`; without one it is the same as outside the loop.
        """

    def set_variable(self, name: str, value: Any) -> None:
        """Set a pipeline variable.

        Raises:
            ActivityFailed: it is not declared, or is of another type.
        """

    def append_variable(self, name: str, value: Any) -> None:
        """Append to an array variable.

        Raises:
            ActivityFailed: it is not declared, or is not an array.
        """

    def set_return_values(self, values: dict[str, Any]) -> None:
        """Set what the run, and a parent's ExecutePipeline activity, show as pipelineReturnValue."""

    def show(self, *, shown_input: Any, output: dict[str, Any]) -> None:
        """Set what the activity run shows while it runs, and if it is cancelled before its end."""

    def start_pipeline(self, name: str, parameters: dict[str, Any]) -> ChildRun:
        """Start another pipeline of the factory.

        Raises:
            ActivityFailed: there is none of that name, or a parameter is not valid.
        """

    @property
    def waits_on_completion(self) -> bool:
        """The default of an ExecutePipeline activity's waitOnCompletion."""

    def time_limit(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """Cancel the body after a number of seconds.

        Raises:
            TimeLimitReached: it was cancelled.
        """


ControlActivity = Callable[[ControlContext], Awaitable[ActivityResult]]
"""Runs one attempt. Every Activity is one too, since it needs less."""


def inner_failure(failure: InnerFailure) -> ActivityFailed:
    """The failure of a container because an activity inside it has failed."""
    return ActivityFailed(
        "Activity failed because an inner activity failed; "
        f"Inner activity name: {failure.activity_name}, Error: {failure.message}",
        error_code="ActionFailed",
    )


async def run_branch(context: ControlContext, activities: Sequence[dict[str, Any]]) -> None:
    """Run a branch of a condition.

    Raises:
        ActivityFailed: an activity in it has failed.
    """
    branch = await context.run_inner(activities)
    if branch.failure is not None:
        raise inner_failure(branch.failure)


def truth(value: Any) -> bool:
    """A condition's value.

    Raises:
        ActivityFailed: it is not a boolean.
    """
    if not isinstance(value, bool):
        raise ActivityFailed(f"A condition must be true or false, not {value!r}.", error_code="BadRequest")
    return value


def flag(value: Any) -> bool:
    """A Boolean property of an activity; the service's own samples write some as strings.

    Raises:
        ActivityFailed: it is neither a boolean nor the name of one.
    """
    return truth(
        {"true": True, "false": False}.get(value.casefold(), value) if isinstance(value, str) else value
    )


def array(value: Any) -> list[Any]:
    """The items of a ForEach or Filter, rejected with the text that users report if they are not an array.

    Raises:
        ActivityFailed: it is not an array.
    """
    if isinstance(value, list):
        return value
    kinds = {
        type(None): "Null",
        bool: "Boolean",
        int: "Integer",
        float: "Float",
        str: "String",
        dict: "Object",
    }
    raise ActivityFailed(
        "The function 'length' expects its parameter to be an array or a string. "
        f"The provided value is of type '{kinds[type(value)]}'.",
        error_code="InvalidTemplate",
    )

"""Functions that refer to the expression's surroundings: the run, its activities, variables and parameters."""

from collections.abc import Mapping
from typing import Any

from adf_trigger.emulator.expressions.functions.arguments import text
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import MISSING, Scope
from adf_trigger.emulator.expressions.runtime.values import find_key


def pipeline(scope: Scope) -> dict[str, Any]:
    """The run: system variables, parameters and global parameters."""
    return scope.pipeline()


def activity(scope: Scope, name: Any) -> Mapping[str, Any]:
    """The result of an activity of this run: output, error, status."""
    key = find_key(scope.activities, text(name))
    if key is None:
        raise ExpressionError(
            "Template language expression cannot be evaluated: "
            f"the template action '{name}' is not defined at current scope."
        )
    return scope.activities[key]


def body(scope: Scope, name: Any) -> Any:
    """Older name of `activity(…).output`, still found in Microsoft's samples."""
    entry = activity(scope, name)
    key = find_key(entry, "output")
    return None if key is None else entry[key]


def variables(scope: Scope, name: Any) -> Any:
    """A variable's current value."""
    key = find_key(scope.variables, text(name))
    if key is None:
        raise ExpressionError(
            f"Template language expression cannot be evaluated: the template variable '{name}' cannot be found."
        )
    return scope.variables[key]


def parameters(scope: Scope, name: Any) -> Any:
    """Older form: a parameter of the enclosing dataset or linked service, or else of the pipeline."""
    known = next(
        given for given in (scope.dataset, scope.linked_service, scope.parameters) if given is not None
    )
    key = find_key(known, text(name))
    if key is None:
        raise ExpressionError(f"The workflow parameter '{name}' is not found")
    return known[key]


def item(scope: Scope) -> Any:
    """The current item of a ForEach or Filter."""
    if scope.item is MISSING:
        raise _not_here("item")
    return scope.item


def trigger(scope: Scope) -> Any:
    """The trigger that starts the run."""
    if scope.trigger is MISSING:
        raise _not_here("trigger")
    return scope.trigger


def trigger_outputs(scope: Scope) -> Any:
    """The outputs of the trigger, such as a window's start and end."""
    outputs = trigger(scope)
    return outputs.get("outputs") if isinstance(outputs, Mapping) else None


def trigger_body(scope: Scope) -> Any:
    """The body of an event trigger's event, such as the file's name."""
    if scope.trigger_body is MISSING:
        raise _not_here("triggerBody")
    return scope.trigger_body


def dataset(scope: Scope) -> Mapping[str, Any]:
    """The parameters of the dataset that the expression is in."""
    if scope.dataset is None:
        raise undefined_function("dataset")
    return scope.dataset


def linked_service(scope: Scope) -> Mapping[str, Any]:
    """The parameters of the linked service that the expression is in."""
    if scope.linked_service is None:
        raise undefined_function("linkedService")
    return scope.linked_service


def undefined_function(name: str) -> ExpressionError:
    """The service's error for a function that does not exist, or not at this location."""
    return ExpressionError(f"The template function '{name}' is not defined or not valid.")


def _not_here(name: str) -> ExpressionError:
    return ExpressionError(f"The template function '{name}' is not expected at this location.")

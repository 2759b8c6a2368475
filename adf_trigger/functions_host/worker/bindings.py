"""Converts between the platform's values and the user's function, with azure.functions' own converters."""

from collections.abc import Mapping
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from adf_trigger.functions_host.common.errors import FunctionFailed
from adf_trigger.functions_host.worker.index import HttpTrigger, IndexedFunction, QueueTrigger, TimerTrigger

_BINDING_NAMES = {HttpTrigger: "httpTrigger", QueueTrigger: "queueTrigger", TimerTrigger: "timerTrigger"}


def decode(function: IndexedFunction, value: Datum, metadata: Mapping[str, Datum]) -> object:
    """The argument of the function: its trigger's value in the type of its parameter.

    A parameter of type str or bytes gets the bare value, any other the trigger's own type.
    """
    if function.annotation is str:
        return value.value.decode() if isinstance(value.value, bytes) else value.value
    if function.annotation is bytes:
        return value.value.encode() if isinstance(value.value, str) else value.value
    return _converter(_BINDING_NAMES[type(function.trigger)]).decode(value, trigger_metadata=metadata)


def encode(function: IndexedFunction, result: object) -> Datum | None:
    """The return value of the function as its response; None if the trigger has no response.

    Raises:
        FunctionFailed: it returned a value that cannot be sent, or any value where none is accepted.
    """
    if not isinstance(function.trigger, HttpTrigger):
        if result is not None:
            raise FunctionFailed(f"{function.name} has no $return binding but returned a value")
        return None
    try:
        response: Datum = _converter("http").encode(result, expected_type=None)
    except NotImplementedError as exc:
        raise FunctionFailed(
            f"{function.name} returned a {type(result).__name__}, not an HttpResponse"
        ) from exc
    return response


def _converter(binding: str) -> Any:
    registry: Any = func.get_binding_registry()
    return registry.get(binding)

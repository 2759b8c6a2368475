"""Fail: fails with the author's message and error code."""

from typing import Any

from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult


async def fail(context: ActivityContext) -> ActivityResult:
    """Fail with message and errorCode. The texts for values that cannot be evaluated are documented case by case."""
    properties = context.type_properties
    message = _evaluated(context, properties, "message")
    code = _evaluated(context, properties, "errorCode")
    if isinstance(message, ActivityFailed) and isinstance(code, ActivityFailed):
        message = _cannot_interpret(context)
    elif "message" not in properties:
        message = "Fail message wasn't provided"
    elif not isinstance(message, str | None):
        message = f"{context.name} fail message parameter couldn't be interpreted as a string"
    elif not (message or "").strip():
        message = _cannot_interpret(context)
    if not isinstance(code, str) or not code.strip():
        code = "ErrorCodeNotString"
    raise ActivityFailed(message, error_code=code)


def _evaluated(context: ActivityContext, properties: dict[str, Any], key: str) -> Any:
    try:
        return context.evaluate(properties.get(key))
    except ActivityFailed as failure:
        return failure


def _cannot_interpret(context: ActivityContext) -> str:
    return f"Failed to interpret {context.name} fail message or error code"

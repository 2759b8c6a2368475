"""Parses replies into models. A reply that cannot be parsed is Unavailable, or UnknownOutcome after an effect."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from adf_trigger.datafactory.calls import Call, Reply
from adf_trigger.datafactory.failures import garbled
from adf_trigger.datafactory.lenient import loads
from adf_trigger.datafactory.models import ReplyHeaders, ServiceObject

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=ServiceObject)


def read_json(call: Call, reply: Reply) -> dict[str, Any]:
    """The JSON object in a reply.

    Raises:
        Unavailable: there is none, and the call had no effect.
        UnknownOutcome: there is none, and the call had an effect.
    """
    if reply.body_error is not None:
        raise garbled(call, reply, "its body is incomplete") from reply.body_error
    try:
        parsed = loads(reply.body)
    except (ValueError, RecursionError) as exc:
        raise garbled(call, reply, "its body is not JSON") from exc
    if not isinstance(parsed, dict):
        raise garbled(call, reply, "its body is not a JSON object")
    return parsed


def read_object(call: Call, reply: Reply, model: type[M]) -> M:
    """The object in a reply, with the ids of the reply.

    Raises:
        Unavailable: it cannot be parsed, and the call had no effect.
        UnknownOutcome: it cannot be parsed, and the call had an effect.
    """
    try:
        found = model.model_validate(read_json(call, reply))
    except ValidationError as exc:
        raise garbled(call, reply, f"its body is not a {model.__name__}") from exc
    return found.with_reply(reply.facts(call.client_request_id))


def read_items(
    call: Call, reply: Reply, model: type[M], is_wanted: Callable[[object], bool] | None = None
) -> tuple[list[M], dict[str, Any]]:
    """The objects under `value`, and the whole JSON object, which has the link to the next page.

    An object that cannot be parsed is skipped with a warning: it must not hide the others.

    Args:
        call: the call.
        reply: its reply.
        model: the model of the objects.
        is_wanted: selects the objects to decode, by their JSON; None for all.

    Raises:
        Unavailable: there is no list under `value`.
    """
    parsed = read_json(call, reply)
    value = parsed.get("value")
    if not isinstance(value, list):
        raise garbled(call, reply, "its body has no list of values")
    facts = reply.facts(call.client_request_id)
    wanted = value if is_wanted is None else filter(is_wanted, value)
    return [item for each in wanted if (item := _item(call, each, model, facts)) is not None], parsed


def _item(call: Call, value: object, model: type[M], facts: ReplyHeaders) -> M | None:
    try:
        return model.model_validate(value).with_reply(facts)
    except ValidationError as exc:
        logger.warning(
            "Data Factory: %s returned a %s that cannot be parsed: %s",
            call.operation,
            model.__name__,
            ", ".join(".".join(map(str, error["loc"])) + " " + error["type"] for error in exc.errors()),
            extra={
                "action": "data_factory_item_unreadable",
                "operation": call.operation,
                "request_id": facts.request_id,
                "correlation_id": facts.correlation_id,
                "client_request_id": facts.client_request_id,
            },
        )
        return None

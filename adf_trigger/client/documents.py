"""Bodies of calls, and models of answers."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from adf_trigger.client.answers import Answer
from adf_trigger.client.errors import UnexpectedAnswer

_M = TypeVar("_M", bound=BaseModel)
_V = TypeVar("_V")


def given(**values: _V | None) -> dict[str, _V]:
    """Those of the values that there are."""
    return {name: value for name, value in values.items() if value is not None}


def prefer(hold: float) -> dict[str, str]:
    """The header that asks for an answer to be held back until a run has ended, at most so many seconds."""
    return {"Prefer": f"wait={int(hold)}"} if int(hold) > 0 else {}


def json_body(document: Mapping[str, Any]) -> bytes:
    """A body whose length is known: what comes in chunks is lost on the platform."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def model_of(model: type[_M], answer: Answer) -> _M:
    """The answer as a model. What a newer service says beside it is left out."""
    return read(model, answer.document(), status=answer.status)


def read(model: type[_M], document: Mapping[str, Any], *, status: int) -> _M:
    """A part of an answer as a model.

    Raises:
        UnexpectedAnswer: it is none.
    """
    try:
        return model.model_validate(document, extra="ignore")
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors()[:5])
        raise UnexpectedAnswer(
            f"{status} came with no {model.__name__} that this version knows: {faults}", status=status
        ) from exc

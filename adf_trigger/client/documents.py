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
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def prefer(hold: float) -> dict[str, str]:
    """The header that asks the service to hold the answer until the run has ended, for at most `hold` seconds."""
    return {"Prefer": f"wait={int(hold)}"} if int(hold) > 0 else {}


def json_body(document: Mapping[str, Any]) -> bytes:
    """A body of known length: the platform drops chunked bodies."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def model_of(model: type[_M], answer: Answer) -> _M:
    """The answer as a model. Unknown members of a newer service are ignored."""
    return read(model, answer.document(), status=answer.status)


def read(model: type[_M], document: Mapping[str, Any], *, status: int) -> _M:
    """A part of an answer as a model.

    Raises:
        UnexpectedAnswer: it does not fit the model.
    """
    try:
        return model.model_validate(document, extra="ignore")
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors()[:5])
        raise UnexpectedAnswer(
            f"{status} came with no {model.__name__} that this version can read: {faults}", status=status
        ) from exc

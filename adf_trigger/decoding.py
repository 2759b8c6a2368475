"""Requests read from the wire: every fault is named, and nothing that a caller sends can raise anything else."""

import base64
import binascii
import re
from typing import TypeVar

from pydantic import ValidationError

from adf_trigger.contracts import (
    MAX_PIPELINE_NAME,
    PIPELINE_NAME_PATTERN,
    REQUEST_ID_PATTERN,
    QueuedRunRequest,
    RunRequest,
)
from adf_trigger.errors import Fault, InvalidRequest

KEY_HEADER = "Idempotency-Key"

_Request = TypeVar("_Request", bound=RunRequest)
_QUOTED = re.compile(r'^"(?P<key>[^"\\]*)"$')


def run_request(body: bytes) -> RunRequest:
    """The body of POST /pipelines/{pipeline}/runs; an empty one asks for nothing special.

    Raises:
        InvalidRequest: with every fault.
    """
    return _validated(RunRequest, body if body.strip() else b"{}")


def queued_request(body: bytes) -> QueuedRunRequest:
    """A message of the requests queue, plain or base64.

    Raises:
        InvalidRequest: with every fault.
    """
    return _validated(QueuedRunRequest, message_bytes(body))


def message_bytes(body: bytes) -> bytes:
    """The JSON of a message: itself, or what it holds where it is base64 of a JSON object."""
    plain = body.strip()
    if plain.startswith(b"{"):
        return plain
    try:
        decoded = base64.b64decode(plain, validate=True).strip()
    except (binascii.Error, ValueError):
        return plain
    return decoded if decoded.startswith(b"{") else plain


def _validated(model: type[_Request], body: bytes) -> _Request:
    try:
        return model.model_validate_json(body, strict=False, by_alias=True, by_name=False)
    except ValidationError as exc:
        raise InvalidRequest(
            [_fault(error["loc"], error["msg"]) for error in exc.errors(include_input=False)]
        ) from None


def _fault(location: tuple[int | str, ...], message: str) -> Fault:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location if part != "[key]")
    return Fault("".join(f"/{part}" for part in parts), message)


def pipeline_name(name: str | None) -> str:
    """The pipeline of a path.

    Raises:
        InvalidRequest: Data Factory has no such names.
    """
    if name and len(name) <= MAX_PIPELINE_NAME and re.match(PIPELINE_NAME_PATTERN, name):
        return name
    raise InvalidRequest([Fault("pipeline", "is not a name that a pipeline can have")])


def idempotency_key(header: str | None) -> str | None:
    """The key of an Idempotency-Key header, in the quotes of the IETF draft or bare; None where there is none.

    Raises:
        InvalidRequest: it is no key.
    """
    if header is None:
        return None
    text = header.strip()
    quoted = _QUOTED.match(text)
    key = quoted["key"] if quoted else text
    if re.match(REQUEST_ID_PATTERN, key):
        return key
    raise InvalidRequest([Fault(KEY_HEADER, "must be 1 to 128 letters, digits, '.', '_', ':' or '-'")])

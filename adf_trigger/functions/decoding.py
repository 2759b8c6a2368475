"""What an HTTP request says beside its body: every fault is named."""

import re

from adf_trigger.contracts import MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN, REQUEST_ID_PATTERN
from adf_trigger.errors import Fault, InvalidRequest

KEY_HEADER = "Idempotency-Key"

_QUOTED = re.compile(r'^"(?P<key>[^"\\]*)"$')


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

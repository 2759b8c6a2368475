"""The key under which a pipeline's admission policy counts a request, as canonical text."""

import hashlib
import json
from collections.abc import Mapping

from adf_trigger.contracts import RunRequest
from adf_trigger.errors import Fault
from adf_trigger.ledger.places import Places, name_of
from adf_trigger.ledger.records import LONGEST_ADMISSION_KEY, RunRecord
from adf_trigger.messages.declaration import Declaration
from adf_trigger.messages.wording import pointer_to
from adf_trigger.settings.policy import AdmissionPolicy

NO_VALUE = "null"
"""The key of requests without that value, which form a group of their own."""

_PARAMETERS, _METADATA = "parameters.", "metadata."
_MARK = "#sha256:"
_KEPT = LONGEST_ADMISSION_KEY - len(_MARK) - 64


def key_of(policy: AdmissionPolicy | None, request: RunRequest | RunRecord) -> str | None:
    """The key of a request as canonical text; None where the policy has none.

    Args:
        policy: of its pipeline.
        request: the request or its record.
    """
    if policy is None or policy.key is None:
        return None
    return canonical(_value(policy.key, request))


def places_of(record: RunRecord, policy: AdmissionPolicy) -> Places:
    """The places of a request by a policy, none of them taken."""
    key = key_of(policy, record)
    name = name_of(record.pipeline, policy.key, key)
    return Places(name=name, pipeline=record.pipeline, by=policy.key, key=key)


def key_fault(policy: AdmissionPolicy | None, declaration: Declaration) -> Fault | None:
    """The fault of a policy whose key is a secure parameter: its values are not kept; None where there is none."""
    name = None if policy is None else parameter_in(policy.key)
    if name is None or not declaration.secure_among([name]):
        return None
    words = (
        "the admission policy of the pipeline counts requests by this parameter, which the pipeline declares as "
        "SecureString: its values are not kept"
    )
    return Fault(pointer_to(("parameters", name)), words)


def parameter_in(key: str | None) -> str | None:
    """The parameter that a policy's key names; None where the key is no parameter, or there is no key."""
    return key.removeprefix(_PARAMETERS) if key is not None and key.startswith(_PARAMETERS) else None


def canonical(value: object) -> str:
    """A JSON value as text, the same for equal values: members are sorted, and 1.0 is written as 1.

    A text longer than LONGEST_ADMISSION_KEY is cut and ends in the SHA-256 of the whole, as no complete JSON text does.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if len(text) <= LONGEST_ADMISSION_KEY:
        return text
    return f"{text[:_KEPT]}{_MARK}{hashlib.sha256(text.encode()).hexdigest()}"


def _value(key: str, request: RunRequest | RunRecord) -> object:
    if key.startswith(_PARAMETERS):
        return _without_case(request.parameters, key.removeprefix(_PARAMETERS))
    if key.startswith(_METADATA):
        return request.metadata.get(key.removeprefix(_METADATA))
    return request.correlation_id


def _without_case(parameters: Mapping[str, object], name: str) -> object:
    """The value of a parameter, whose name is case-insensitive, as in Data Factory."""
    return next((value for given, value in parameters.items() if given.lower() == name.lower()), None)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

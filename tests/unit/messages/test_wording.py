"""Faults are reported in plain words, with the likely intention."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from adf_trigger.errors import InvalidRequest
from adf_trigger.messages.decoding import body_of, run_request
from adf_trigger.orders import CancelRequest, RerunRequest, ResolveRequest

VALIDATORS_WORDS = ("Input should", "RunRequest", "dictionary", "Extra inputs", "pydantic")


def faults_of(body: Any) -> dict[str, str]:
    """Pointer → message."""
    with pytest.raises(InvalidRequest) as caught:
        run_request(body if isinstance(body, bytes) else json.dumps(body).encode())
    return {fault.pointer: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"day": 1}, "/day", "there is no such field; pipeline parameters go below `parameters`"),
        ({"corelationId": "c"}, "/corelationId", "is correlationId meant?"),
        ({"correlation_id": "c"}, "/correlation_id", "is correlationId meant?"),
        ({"Parameters": {}}, "/Parameters", "is parameters meant?"),
        ({"parameters": []}, "/parameters", "must be an object"),
        ({"factory": ""}, "/factory", "must not be empty"),
        ({"factory": "x" * 65}, "/factory", "must have at most 64 characters"),
        ({"factory": 5}, "/factory", "must be text"),
        (
            {"metadata": {f"k{n}": "v" for n in range(21)}},
            "/metadata",
            "must have at most 20 entries",
        ),
        ({"metadata": {"a/b": 2}}, "/metadata/a~1b", "must be text"),
        ({"referencePipelineRunId": "x"}, "/referencePipelineRunId", "must be a GUID"),
        ({"isRecovery": "perhaps"}, "/isRecovery", "must be true or false"),
        (b"[]", "", "the body must be an object"),
        (b"{", "", "the body is not JSON: a name in double quotes is expected at line 1, column 2"),
    ],
)
def test_a_fault_is_reported_in_plain_words(body: Any, pointer: str, words: str) -> None:
    """Neither the validator's words nor the model's name, but what to write instead."""
    faults = faults_of(body)
    assert words in faults[pointer]
    assert [word for word in VALIDATORS_WORDS if word in " ".join(faults.values())] == []


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        (CancelRequest, {"zzz": 1}, {"/zzz": "there is no such field; there are: recursive, note"}),
        (
            CancelRequest,
            {"recursiv": True},
            {"/recursiv": "there is no such field; is recursive meant? (there are: recursive, note)"},
        ),
        (RerunRequest, {"mode": "half"}, {"/mode": "must be whole, fromFailure or fromActivity"}),
        (ResolveRequest, {"as": 1}, {"/as": "must be adopt, resubmit or dismiss"}),
    ],
)
def test_a_steering_call_is_shown_its_own_fields(
    model: type[BaseModel], body: Any, expected: dict[str, str]
) -> None:
    """The fault has its own fields and values, not the place of a start's parameters."""
    with pytest.raises(InvalidRequest) as caught:
        body_of(model, json.dumps(body).encode())
    assert {fault.pointer: fault.message for fault in caught.value.faults} == expected

"""Many starts in one call."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from pydantic import JsonValue

from adf_trigger.client.answers import Answer, trouble_in
from adf_trigger.client.documents import given, json_body, read
from adf_trigger.client.errors import ClientError, UnexpectedAnswer
from adf_trigger.client.transport import Call, Transport, outcome_unknown
from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunView

MAX_STARTS = 100
MAX_BYTES = 256 * 1024
_ROOM = 64
"""Bytes of a body outside its starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of `Client.start_many`.

    Attributes:
        pipeline: its name.
        parameters: name → value, as the pipeline declares them.
        key: idempotency key; default: a new one.
        factory: alias of the factory; not needed where there is only one.
        correlation_id: your own id, passed through to the event.
        metadata: labels, passed through to the event.
    """

    pipeline: str
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    key: str | None = None
    factory: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def document(self, ids: IdSource) -> dict[str, Any]:
        """The start as JSON."""
        return {
            "pipeline": self.pipeline,
            "requestId": self.key or str(ids()),
            **given(factory=self.factory, correlationId=self.correlation_id),
            "parameters": self.parameters,
            "metadata": self.metadata,
        }


def start_many(
    transport: Transport, starts: Sequence[Start], ids: IdSource
) -> Iterator[RunView | ClientError]:
    """See Client.start_many."""
    documents = [start.document(ids) for start in starts]
    for chunk in _chunks(documents):
        # Each start has its key, so that the whole call can be repeated.
        call = Call(method="POST", path="runs", body=json_body({"runs": chunk}), effect=True)
        for document, result in zip(chunk, _results(transport.send(call), call, len(chunk)), strict=True):
            yield _result(result, replace(call, key=document["requestId"]))


def _results(answer: Answer, call: Call, expected: int) -> list[Any]:
    """A result for each start.

    Raises:
        OutcomeUnknown: the number of results is wrong.
    """
    try:
        results = answer.document().get("runs")
    except UnexpectedAnswer as exc:
        raise outcome_unknown(call, exc) from exc
    if not isinstance(results, list) or len(results) != expected:
        short = UnexpectedAnswer(
            f"{answer.status} came without a result for each start", status=answer.status
        )
        raise outcome_unknown(call, short)
    return results


def _result(result: Any, call: Call) -> RunView | ClientError:
    """The run or the error of one start; OutcomeUnknown where the result cannot be read."""
    fields = result if isinstance(result, dict) else {}
    run, problem, status = fields.get("run"), fields.get("problem"), fields.get("status")
    if run is None and isinstance(problem, dict) and isinstance(status, int):
        return trouble_in(Answer(status, {}, json.dumps(problem).encode())).error
    try:
        return read(RunView, run if isinstance(run, dict) else {}, status=HTTPStatus.OK)
    except UnexpectedAnswer as exc:
        return outcome_unknown(call, exc)


def _chunks(documents: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    size = _ROOM
    for document in documents:
        length = len(json_body(document)) + 2
        if chunk and (len(chunk) == MAX_STARTS or size + length > MAX_BYTES):
            yield chunk
            chunk, size = [], _ROOM
        chunk.append(document)
        size += length
    if chunk:
        yield chunk

"""Many starts in one call."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import JsonValue

from adf_trigger.client.answers import Answer, trouble_in
from adf_trigger.client.documents import given, json_body, read
from adf_trigger.client.errors import ClientError, UnexpectedAnswer
from adf_trigger.client.transport import Call, Transport
from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunView

MAX_STARTS = 100
MAX_BYTES = 256 * 1024
_ROOM = 64
"""Bytes of a body that are none of its starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start of many.

    Attributes:
        pipeline: its name.
        parameters: name → value, as the pipeline declares them.
        key: idempotency key; a new one unless told.
        factory: alias of the factory; not needed where there is one.
        correlation_id: your own id, carried through to the event.
        metadata: labels, carried through to the event.
    """

    pipeline: str
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    key: str | None = None
    factory: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def document(self, ids: IdSource) -> dict[str, Any]:
        """As it goes over the wire."""
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
        # Each has its key, so that the whole can be sent again.
        answer = transport.send(
            Call(method="POST", path="runs", body=json_body({"runs": chunk}), effect=True)
        )
        results = answer.document().get("runs")
        if not isinstance(results, list) or len(results) != len(chunk):
            raise UnexpectedAnswer(
                f"{answer.status} came without a result for each start", status=answer.status
            )
        for result in results:
            yield _result(result)


def _result(result: Mapping[str, Any]) -> RunView | ClientError:
    if (run := result.get("run")) is not None:
        return read(RunView, run, status=HTTPStatus.OK)
    problem = result.get("problem") or {}
    status = int(result.get("status") or 0)
    return trouble_in(Answer(status, {}, json.dumps(problem).encode())).error


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

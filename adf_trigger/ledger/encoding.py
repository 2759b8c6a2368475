"""Records as JSON text, the same for every adapter, so that none stores what another would lose."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.adapters import adapter_of
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.messages.declaration import Declaration

MAX_DECLARATION_CHARS = 32_000
"""Longest declaration, in characters of ASCII JSON: one property holds 64 KiB, at two bytes each."""

MOST_FORMER_RUN_IDS = 40
"""Maximum earlier runIds of a record: each has a row, and a transaction has at most 100 operations."""

_ERRORS = "errors"
_MORE_OF_ERRORS = "errors_more"
_IN_EVERY_VERSION = frozenset({"activityName", "activityType", "errorCode", "failureType", "message"})
"""Fields of an error that earlier versions parse, strictly; such a version may run beside this one."""

T = TypeVar("T")


def encode_record(record: RunRecord) -> str:
    """Encode a record as text, without the bytes of its message, which are stored separately.

    `room` decides its maximum length and how it is cut.
    """
    # The parameters are JSON already. Pydantic would turn Infinity into null, and fail on an unpaired surrogate.
    fields = adapter_of(RunRecord).dump_python(
        record, mode="json", exclude={"parameters": True, "came_as": {"body"}}
    )
    return _text({**fields, **_parted(fields[_ERRORS]), "parameters": record.parameters})


def decode_record(text: str, body: bytes = b"") -> RunRecord:
    """Decode a record. Fields that this version does not know are ignored.

    Args:
        text: the encoded record.
        body: the bytes of its message; empty if it has none.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """

    def completed(fields: dict[str, Any]) -> dict[str, Any]:
        if isinstance(fields.get("came_as"), dict):
            fields["came_as"]["body"] = body
        return _renamed(_with_whole_errors(fields))

    return _decoded(RunRecord, text, completed)


def encode_active(run: ActiveRun) -> str:
    """Encode an active run."""
    return _text(adapter_of(ActiveRun).dump_python(run, mode="json"))


def decode_active(text: str) -> ActiveRun:
    """Decode an active run.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    return _decoded(ActiveRun, text)


def encode_cursor(cursor: Cursor) -> str:
    """Encode a cursor."""
    return _text(adapter_of(Cursor).dump_python(cursor, mode="json"))


def decode_cursor(text: str) -> Cursor:
    """Decode a cursor.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    return _decoded(Cursor, text)


def encode_declaration(declaration: Declaration) -> str | None:
    """Encode a declaration; None if it has more than MAX_DECLARATION_CHARS characters."""
    text = _text(adapter_of(Declaration).dump_python(declaration, mode="json"))
    return text if len(text) <= MAX_DECLARATION_CHARS else None


def decode_declaration(text: str) -> Declaration:
    """Decode a declaration.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    return _decoded(Declaration, text)


def successor(earlier: RunRecord, record: RunRecord) -> RunRecord:
    """The record to save after an earlier one of the same request, with the newest of its former runIds.

    Raises:
        ValueError: it is the record of another request.
    """
    require_same_request(earlier, record)
    if record.requested_at != earlier.requested_at:
        raise ValueError("requested_at of a record never changes")
    former = tuple(run_id for run_id in earlier.run_ids if run_id != record.run_id)
    return replace(record, former_run_ids=former[-MOST_FORMER_RUN_IDS:])


def require_same_request(earlier: RunRecord, record: RunRecord) -> None:
    """Require that both records are of one request.

    Raises:
        ValueError: they are not.
    """
    same_factory = record.factory.lower() == earlier.factory.lower()
    if not same_factory or record.request_id != earlier.request_id:
        raise ValueError("a record can only replace one of the same request")


def _parted(errors: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Split errors into two fields: the part that every version reads, and later additions."""
    if not errors:
        return {}
    more = [{name: value for name, value in each.items() if name not in _IN_EVERY_VERSION} for each in errors]
    plain = [{name: value for name, value in each.items() if name in _IN_EVERY_VERSION} for each in errors]
    return {_ERRORS: plain, _MORE_OF_ERRORS: more}


def _with_whole_errors(fields: dict[str, Any]) -> dict[str, Any]:
    errors, more = fields.get(_ERRORS), fields.get(_MORE_OF_ERRORS)
    if isinstance(errors, list) and isinstance(more, list) and len(errors) == len(more):
        pairs = zip(errors, more, strict=True)
        fields[_ERRORS] = [
            {**each, **rest} if isinstance(each, dict) and isinstance(rest, dict) else each
            for each, rest in pairs
        ]
    return fields


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """Rename fields of earlier versions, which wrote `told` for `published`."""
    if fields.get("state") == "told":
        fields["state"] = RunState.PUBLISHED.value
    if "told_at" in fields:
        fields.setdefault("published_at", fields.pop("told_at"))
    return fields


def _decoded(
    kind: type[T], text: str, renamed: Callable[[dict[str, Any]], dict[str, Any]] | None = None
) -> T:
    try:
        document = json.loads(text)
        return adapter_of(kind).validate_python(
            renamed(document) if renamed and isinstance(document, dict) else document,
            extra="ignore",  # in nested objects, too: a later version may have written them
        )
    except ValueError as exc:
        raise UnreadableRow("a row of the ledger cannot be decoded") from exc


def _text(document: dict[str, Any]) -> str:
    # Only ASCII: every character is one UTF-16 unit, so a text may be split anywhere.
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)

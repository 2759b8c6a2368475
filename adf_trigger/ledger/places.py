"""The places of a pipeline, or of one key of it, and their holders: one row each, in the partition of its factory.

The row names the requests that got a place; their records say whether they still have it. So the end of a run writes
nothing here: a request that finds no free place reads the records of the holders.
"""

import hashlib
import json
from dataclasses import dataclass, field
from uuid import UUID

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.adapters import adapter_of


@dataclass(frozen=True, slots=True)
class Holder:
    """A request that got a place, and its runId at that time."""

    request_id: str
    run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places of requests of a pipeline that are counted together.

    Attributes:
        name: see `name_of`.
        pipeline: the pipeline.
        by: the source of their key, as in the policy; None if they are all requests of the pipeline.
        key: its canonical text.
        holders: requests that got a place, oldest first.
        issued: the last number issued to a waiting request; numbers count from 1.
        served: the last of these numbers that got a place: if it equals `issued`, no request waits.
    """

    name: str
    pipeline: str
    by: str | None = None
    key: str | None = None
    holders: tuple[Holder, ...] = field(default=())
    issued: int = 0
    served: int = 0

    @property
    def has_line(self) -> bool:
        """Whether requests may be waiting."""
        return self.issued > self.served


@dataclass(frozen=True, slots=True)
class KeptPlaces:
    """Places with the ETag of their row.

    Attributes:
        places: the places, as read or to be written.
        etag: of the row that was read; empty if there is none yet. A write is conditional on it.
    """

    places: Places
    etag: str = ""


def name_of(pipeline: str, by: str | None, key: str | None) -> str:
    """The name of the places of a pipeline's requests with a key, for any spelling of the pipeline."""
    counted = json.dumps([pipeline.lower(), by, key], ensure_ascii=True)
    return hashlib.sha256(counted.encode()).hexdigest()


def places_key(name: str) -> str:
    """The row of places."""
    return f"places|{name}"


def encode_places(places: Places) -> str:
    """Encode places."""
    document = adapter_of(Places).dump_python(places, mode="json")
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def decode_places(text: str) -> Places:
    """Decode places. Fields that this version does not know are ignored.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    try:
        return adapter_of(Places).validate_python(json.loads(text), extra="ignore")
    except ValueError as exc:
        raise UnreadableRow("a row of places cannot be decoded") from exc

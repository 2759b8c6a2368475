"""Parses a row of the Table service that has only string and binary properties.

Source: "Payload format for Table service operations" and "Query Entities" of the service's REST API.
"""

import base64
import json
from collections.abc import Mapping

from azure.data.tables import EntityMetadata, TableEntity

READ_AS = "application/json;odata=minimalmetadata"
"""The Accept header: the answer then has the ETag, and the types of properties that JSON does not show."""

_TYPE = "@odata.type"
_OWN = "odata."
_TIMESTAMP = "Timestamp"
_KEY = "RowKey"


class _Row(TableEntity):
    """An entity as the SDK returns it, with its ETag."""

    def __init__(self, properties: Mapping[str, str | bytes], etag: str | None) -> None:
        super().__init__(properties)
        self._known_metadata: EntityMetadata = {"etag": etag, "timestamp": None}

    @property
    def metadata(self) -> EntityMetadata:
        """See TableEntity; the time of the last change is left out."""
        return self._known_metadata


def row_in(body: bytes, etag: str | None) -> TableEntity | None:
    """The row in an answer; None if it has properties of other types.

    Args:
        body: the answer's body.
        etag: the answer's ETag header.

    Raises:
        ValueError: it contains no row.
    """
    document = json.loads(body)
    if not isinstance(document, dict) or _KEY not in document:
        raise ValueError("the answer contains no row")
    properties: dict[str, str | bytes] = {}
    for name, value in document.items():
        if name == _TIMESTAMP or name.startswith(_OWN) or name.endswith(_TYPE):
            continue
        kind = document.get(name + _TYPE, "Edm.String")
        if not isinstance(value, str) or kind not in {"Edm.String", "Edm.Binary"}:
            return None
        properties[name] = value if kind == "Edm.String" else base64.b64decode(value, validate=True)
    return _Row(properties, etag or document.get("odata.etag"))

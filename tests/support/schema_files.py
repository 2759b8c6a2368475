"""`python -m tests.support.schema_files` writes JSON Schemas into docs/schemas.

They describe the queue messages, and the settings that are kept in files.
"""

import json
from collections.abc import Mapping

from pydantic import BaseModel

from adf_trigger.contracts import QueuedRunRequest
from adf_trigger.functions.openapi import document_of
from adf_trigger.news import CompletionEvent, RejectedMessage
from tests.support.documents import ROOT
from tests.support.setting_schemas import SCHEMAS

FOLDER = ROOT / "docs" / "schemas"
MESSAGES: Mapping[str, tuple[type[BaseModel], bool]] = {
    "run-request-message.schema.json": (QueuedRunRequest, True),
    "completion-event.schema.json": (CompletionEvent, False),
    "rejected-message.schema.json": (RejectedMessage, False),
}
"""File → the model, and whether the service reads it."""

FILES = (*MESSAGES, *SCHEMAS)
"""All files."""


def text_of(file: str) -> str:
    """The text of a file."""
    if file in SCHEMAS:
        document = SCHEMAS[file]()
    else:
        model, taken = MESSAGES[file]
        document = document_of(model, taken=taken)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")

"""Small JSON documents alongside the records, about a factory or the app as a whole.

The port; two adapters, Table storage and memory, keep the same contract.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from adf_trigger.errors import LedgerError

APP_SCOPE = "app"
"""The scope of notes of no factory. Resource ids begin with `/`, so it is never a factory's partition."""

MAX_NOTE_CHARS = 30 * 1024
"""Longest note, in characters of ASCII JSON: one property of an entity holds it."""

MAX_SECRET_CHARS = 16 * 1024
"""Longest secret of a note."""

_NAME = re.compile(r"[A-Za-z0-9._:|-]{1,200}")


class NoteTooLarge(LedgerError):
    """The note does not fit; its writer must cut it."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read or written.

    Attributes:
        name: its name within its scope; case-sensitive.
        value: a JSON object.
        etag: for the next conditional write.
        secret: stored alongside the value, in a property of its own, and never shown.
    """

    name: str
    value: dict[str, Any]
    etag: str
    secret: str | None = field(default=None, repr=False)


class Notes(Protocol):
    """One note for each name of a scope: the resource id of a factory, in any case of letters, or APP_SCOPE.

    Names have 1 to 200 ASCII letters, digits and `._:|-`; any other raises ValueError. Every method may raise
    LedgerError.
    """

    def get(self, scope: str, name: str) -> Note | None:
        """The note of a name; None if there is none."""

    def put(
        self,
        scope: str,
        name: str,
        value: dict[str, Any],
        etag: str | None = None,
        *,
        secret: str | None = None,
    ) -> Note:
        """Write a note as a whole: a secret that is not given again is removed.

        Args:
            scope: its scope.
            name: its name there.
            value: a JSON object of at most MAX_NOTE_CHARS characters.
            etag: of the note that it replaces; empty if there must be none yet; None to write unconditionally.
            secret: a text of at most MAX_SECRET_CHARS characters that must never be shown.

        Raises:
            LedgerConflict: another writer was first; nothing was written.
            NoteTooLarge: it does not fit.
            ValueError: the value is not JSON (NaN, Infinity), or the name is not valid.
        """

    def named(self, scope: str, prefix: str = "") -> Sequence[Note]:
        """The notes whose names are longer than a prefix and begin with it, in order of their names."""

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """Remove the note of a name: the one with an ETag, or unconditionally (None).

        Raises:
            LedgerConflict: the note with the ETag no longer exists; nothing was removed.
        """


def note_key(name: str) -> str:
    """The row of a note.

    Raises:
        ValueError: the name is not valid.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not a valid name of a note: {name!r}")
    return f"note|{name}"


def name_of(key: str) -> str:
    """The name of the note in a row."""
    return key.removeprefix("note|")


def notes_between(prefix: str) -> tuple[str, str]:
    """Two keys, both excluded, between which are the notes whose names begin with a prefix.

    Raises:
        ValueError: the prefix is not valid.
    """
    after = note_key(prefix) if prefix else "note|"
    return after, f"{after[:-1]}{chr(ord(after[-1]) + 1)}"


def encode_note(value: dict[str, Any]) -> str:
    """Encode the value of a note.

    Raises:
        NoteTooLarge: it has more than MAX_NOTE_CHARS characters.
        ValueError: it is not JSON.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    if len(text) > MAX_NOTE_CHARS:
        raise NoteTooLarge(f"a note of {len(text)} characters is too large, at most {MAX_NOTE_CHARS}")
    return text


def checked_secret(secret: str | None) -> str | None:
    """Require that a secret fits; returns it.

    Raises:
        NoteTooLarge: it has more than MAX_SECRET_CHARS characters. The text does not show it.
    """
    if secret is not None and len(secret) > MAX_SECRET_CHARS:
        raise NoteTooLarge(f"the secret of a note is too large, at most {MAX_SECRET_CHARS} characters")
    return secret


def decode_note(text: str) -> dict[str, Any]:
    """Decode the value of a note.

    Raises:
        LedgerError: the text is not in the ledger's format.
    """
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise LedgerError("a note of the ledger cannot be decoded") from exc
    if not isinstance(value, dict):
        raise LedgerError("a note of the ledger cannot be decoded")
    return value

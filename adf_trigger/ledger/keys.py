"""Keys of the ledger's rows: one partition for each factory, one prefix for each kind of row.

Table storage compares keys character by character, so the form of keys defines the order of a listing.
"""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from adf_trigger.errors import Fault, InvalidRequest

CURSOR_KEY = "cursor|"

_ILLEGAL_IN_KEY = re.compile(r"[^\w.()\-]")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.()\-]")
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_NOT_PLAIN_ID = re.compile(r"[^A-Za-z0-9._:\-]")
_LONGEST_ID = 360
"""Maximum characters of a request's id in a key, after a prefix of at most 73."""
_ID_KEPT = 280
_WHEN_KEY = re.compile(r"when\|[0-9]{18}\|[A-Za-z0-9._:\-!]{1,360}")
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_LAST_MICROSECOND = 10**18 - 1
_LONGEST_ESCAPED = 400
"""A key holds 512 characters; each of the up to 260 characters of a name may take several."""
_SEPARATOR = "|"
_AFTER_SEPARATOR = chr(ord(_SEPARATOR) + 1)
_ESCAPED = re.compile(r"!([0-9a-f]+)!")


@lru_cache(maxsize=1024)  # called with every read and write, for few factories
def partition_key(factory: str) -> str:
    """The partition of a factory: its resource id in lower case, with `|` for `/`.

    Resource ids compare without regard to case. Characters that names of resources do not have, including those that
    keys must not have, are escaped as `!{hex}!`, so that no two factories share a partition.
    """
    return _SEPARATOR.join(_escaped(part, _ILLEGAL_IN_KEY) for part in factory.lower().strip("/").split("/"))


def factory_of(partition: str) -> str | None:
    """The resource id of a partition's factory, in lower case; None if it is not the partition of a factory."""
    if _SEPARATOR not in partition:
        return None
    parts = partition.split(_SEPARATOR)
    return "".join(f"/{_ESCAPED.sub(lambda match: chr(int(match[1], 16)), part)}" for part in parts)


def id_in_key(request_id: str) -> str:
    """A request's id as a part of a key: the id itself if it is short and plain, else an escaped form after a `!`.

    Other than plain characters are escaped as `!{hex}!`. A form that is too long for a key ends with the id's SHA-256,
    so that no two ids share one: a row under such a key has the id in a property.
    """
    if is_plain(request_id):
        return request_id
    escaped = "!" + _escaped(request_id, _NOT_PLAIN_ID)
    if len(escaped) <= _LONGEST_ID:
        return escaped
    return f"{escaped[:_ID_KEPT]}!{hashlib.sha256(request_id.encode()).hexdigest()}"


def is_plain(request_id: str) -> bool:
    """Whether a request's id is used in keys without escaping."""
    return _PLAIN_ID.fullmatch(request_id) is not None


def run_key(request_id: str) -> str:
    """The row of a request's record."""
    return f"run|{id_in_key(request_id)}"


def active_key(run_id: UUID) -> str:
    """The row of a run that is not published yet."""
    return f"active|{run_id}"


def id_key(run_id: UUID) -> str:
    """The row that maps a runId to its request."""
    return f"id|{run_id}"


def when_key(requested_at: datetime, request_id: str) -> str:
    """The row of a request in the listing: a later request has a lower key."""
    return f"when|{newest_first(requested_at)}|{id_in_key(request_id)}"


def listing_key(place: str) -> str:
    """The key of a place in the listing, or of a bound."""
    return f"when|{place}"


def place_in(key: str) -> str:
    """The place of a row of the listing."""
    return key.removeprefix("when|")


def newest_first_of(oldest: str) -> str:
    """Convert a part of `oldest_first` into that of `newest_first`."""
    return f"{_LAST_MICROSECOND - int(oldest):018d}"


def message_key(digest: str, request_id: str) -> str:
    """The row that maps the digest of a message to the request that it became."""
    return f"message|{digest}|{id_in_key(request_id)}"


def messages_of(digest: str) -> tuple[str, str]:
    """Two keys, both excluded, between which the rows of a message's digest are."""
    return f"message|{digest}|", f"message|{digest}{_AFTER_SEPARATOR}"


def pipeline_key(name: str) -> str:
    """The row of a pipeline's declaration: its name in lower case, with characters beyond ASCII escaped.

    A name that is too long for a key ends with its SHA-256, so that no two names share a row.
    """
    escaped = _escaped(name.lower(), _NOT_PLAIN)
    if len(escaped) > _LONGEST_ESCAPED:
        digest = hashlib.sha256(escaped.encode()).hexdigest()
        escaped = f"{escaped[:_LONGEST_ESCAPED]}!{digest}"
    return f"pipeline|{escaped}"


def oldest_first(instant: datetime) -> str:
    """The part of a key that sorts an earlier instant before a later one."""
    return f"{max(0, (instant - _BEGINNING) // timedelta(microseconds=1)):018d}"


def request_id_of(key: str) -> str:
    """The request of a row of the listing, if its id is plain."""
    return key.split("|", maxsplit=2)[2]


def rows_of_kind(prefix: str) -> tuple[str, str]:
    """Two bounds, both excluded, between which all rows of a kind are (`active`, `when`)."""
    return f"{prefix}|", f"{prefix}{_AFTER_SEPARATOR}"


def end_of_instant(instant: datetime) -> str:
    """A key after the listing rows of all requests made at an instant or later, and before all others."""
    return f"when|{newest_first(instant)}{_AFTER_SEPARATOR}"


def continuation_of(key: str) -> str:
    """The continuation after a row of the listing."""
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(continuation: str) -> str:
    """The row of the listing that a continuation follows.

    Raises:
        InvalidRequest: the continuation was not issued by this service.
    """
    try:
        key = urlsafe_b64decode(continuation + "=" * (-len(continuation) % 4)).decode()
    except ValueError as exc:
        raise InvalidRequest([_NOT_OURS]) from exc
    if _WHEN_KEY.fullmatch(key) is None:
        raise InvalidRequest([_NOT_OURS])
    return key


_NOT_OURS = Fault("continuation", "was not issued by this service")


def _escaped(text: str, forbidden: re.Pattern[str]) -> str:
    return forbidden.sub(lambda match: f"!{ord(match[0]):x}!", text)


def newest_first(instant: datetime) -> str:
    """The part of a key that sorts a later instant before an earlier one."""
    microseconds = (instant - _BEGINNING) // timedelta(microseconds=1)
    return f"{_LAST_MICROSECOND - microseconds:018d}"

"""Helpers that handlers share: the factory of a path, conditions on etags, bodies, pages."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlencode

from adf_trigger.emulator.arm.arm_errors import ResourceNotFound
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call
from adf_trigger.emulator.common.documents import Factory, factory_id
from adf_trigger.emulator.common.errors import BadRequest, PreconditionFailed

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def path_id(call: Call) -> str:
    """Resource id of the factory in a path, in the caller's case."""
    return factory_id(call.path["subscription"], call.path["group"], call.path["factory"])


def factory_of(backend: Backend, call: Call) -> Factory:
    """The factory in a path.

    Raises:
        ResourceNotFound: it does not exist.
    """
    factory = backend.store.factories.get(path_id(call))
    if factory is None:
        raise factory_not_found(call)
    return factory


def factory_not_found(call: Call) -> ResourceNotFound:
    """ARM's answer to any call on or below a factory that does not exist."""
    return ResourceNotFound(f"Microsoft.DataFactory/factories/{call.path['factory']}", call.path["group"])


def body_object(call: Call, target: str) -> dict[str, Any]:
    """The body, which must be a JSON object.

    Raises:
        BadRequest: it is not.
    """
    if not isinstance(call.body, dict):
        raise BadRequest("The request body is missing or is not a JSON object.", target=target)
    return call.body


def check_if_match(call: Call, current: str | None, target: str) -> None:
    """Check If-Match against the current etag (None: the resource does not exist).

    Raises:
        PreconditionFailed: they differ.
    """
    wanted = call.headers.get("if-match")
    if wanted is None:
        return
    if current is None or (wanted.strip() != "*" and current not in _etags(wanted)):
        raise PreconditionFailed(target)


def not_modified(call: Call, current: str) -> bool:
    """Whether If-None-Match names the current etag."""
    wanted = call.headers.get("if-none-match")
    return wanted is not None and (wanted.strip() == "*" or current in _etags(wanted))


def next_link(call: Call, last: str) -> str:
    """Link to the page after the one that ends with `last`."""
    query = dict(call.query)
    query["$skiptoken"] = base64.urlsafe_b64encode(last.encode()).decode()
    return f"{call.base_url}{call.raw_path}?{urlencode(query)}"


def skip_to(call: Call, target: str) -> str:
    """Last name of the page before this one; empty for the first page.

    Raises:
        BadRequest: the token is not one of ours.
    """
    token = call.query.get("$skiptoken")
    if not token:
        return ""
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (ValueError, binascii.Error) as exc:
        raise BadRequest("The skip token is not valid.", target=target) from exc


def _etags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in header.split(",")}

"""The version 1 API (`datafactories`, api-version 2015-10-01) as documented: put, get, delete.

The service has switched it off and answers 404 InvalidResourceType; so does the emulator with `options.v1` off.
"""

from typing import Any

from adf_trigger.emulator.arm.arm_errors import (
    InvalidResourceLocation,
    InvalidResourceType,
    ResourceNotFound,
)
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.arm.regions import short
from adf_trigger.emulator.common.errors import BadRequest, ValidateNotImplemented
from adf_trigger.emulator.handlers.common import body_object, check_if_match, not_modified
from adf_trigger.emulator.validation.names import check_factory_name
from adf_trigger.emulator.validation.tags import checked_location, checked_tags

_TYPE = "Microsoft.DataFactory/datafactories"


def put(backend: Backend, call: Call) -> Reply:
    """Create or Update Data Factory: 201 with Location for a new one, as the documented sample shows; else 200."""
    identifier = _identifier(backend, call)
    name = call.path["factory"]
    check_factory_name(name, identifier)
    if not call.headers.get("x-ms-client-request-id"):
        raise BadRequest("The header x-ms-client-request-id is required.", target=identifier)
    if call.query.get("validate", "false").lower() != "false":
        raise ValidateNotImplemented
    body = body_object(call, identifier)
    present = backend.store.v1.get(identifier)
    check_if_match(call, present[1] if present else None, identifier)
    faults = [
        text
        for text, wrong in (
            ("Required property 'name' not found in JSON.", not _is_text(body.get("name"))),
            (
                "Property 'properties' is not a JSON object.",
                not isinstance(body.get("properties") or {}, dict),
            ),
        )
        if wrong
    ]
    if faults:
        raise BadRequest(" ".join(faults), target=identifier)
    location = short(checked_location(backend.cloud, body.get("location"), _TYPE))
    tags = checked_tags(body.get("tags"))
    if present is not None and present[0]["location"] != location:
        raise InvalidResourceLocation(name, call.path["group"], present[0]["location"], location)
    document = _document(present[0] if present else None, identifier, name, str(backend.new_id()))
    document["location"] = location
    document["tags"] = tags
    etag = backend.new_etag()
    backend.store.v1.save(identifier, document, etag)
    version = call.query.get("api-version", "")
    headers = {"Location": f"{call.base_url}{document['id']}?api-version={version}", "ETag": f'"{etag}"'}
    return Reply(document, status=200 if present else 201, headers=headers)


def validate(backend: Backend, call: Call) -> Reply:
    """Validation, which the documentation allows to be missing with a 501; it is missing here."""
    _identifier(backend, call)
    raise ValidateNotImplemented


def get(backend: Backend, call: Call) -> Reply:
    """Get Data Factory."""
    present = backend.store.v1.get(_identifier(backend, call))
    if present is None:
        raise ResourceNotFound(f"{_TYPE}/{call.path['factory']}", call.path["group"])
    document, etag = present
    if not_modified(call, etag):
        return Reply(status=304)
    return Reply(document, headers={"ETag": f'"{etag}"'})


def delete(backend: Backend, call: Call) -> Reply:
    """Delete Data Factory."""
    identifier = _identifier(backend, call)
    present = backend.store.v1.get(identifier)
    check_if_match(call, present[1] if present else None, identifier)
    return Reply(status=200 if backend.store.v1.delete(identifier) else 204)


def _identifier(backend: Backend, call: Call) -> str:
    """Resource id, spelt as the version 1 documents spell it."""
    if not backend.options.v1:
        raise InvalidResourceType(call.query.get("api-version", ""))
    return (
        f"/subscriptions/{call.path['subscription']}/resourcegroups/{call.path['group']}"
        f"/providers/Microsoft.DataFactory/datafactories/{call.path['factory']}"
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _document(present: dict[str, Any] | None, identifier: str, name: str, new_id: str) -> dict[str, Any]:
    """The present document of a factory that is updated, or a new one."""
    if present is not None:
        return present
    return {
        "name": name,
        "id": identifier,
        "type": _TYPE,
        "location": "",
        "tags": {},
        "properties": {
            "dataFactoryId": new_id,
            "hCatalogDescription": None,
            "provisioningState": "Succeeded",
            "error": None,
            "errorMessage": None,
        },
    }

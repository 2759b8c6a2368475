"""The version 1 API (`datafactories`, api-version 2015-10-01) as its documentation has it: put, get, delete.

The service has switched it off and answers 404 InvalidResourceType; so does the emulator with `options.v1` off.
"""

from typing import Any

from adf_trigger.emulator.arm_errors import InvalidResourceType, LocationRequired, ResourceNotFound
from adf_trigger.emulator.backend import Backend
from adf_trigger.emulator.errors import BadRequest
from adf_trigger.emulator.handlers.common import body_object, check_if_match
from adf_trigger.emulator.operations import Call, Reply
from adf_trigger.emulator.validation.names import check_factory_name


def put(backend: Backend, call: Call) -> Reply:
    """Create or Update Data Factory: 201 with Location for a new one, as the documented sample shows; else 200."""
    identifier = _identifier(backend, call)
    name = call.path["factory"]
    check_factory_name(name, identifier)
    if not call.headers.get("x-ms-client-request-id"):
        raise BadRequest("The header x-ms-client-request-id is required.", target=identifier)
    body = body_object(call, identifier)
    present = backend.store.v1.get(identifier)
    check_if_match(call, present[1] if present else None, identifier)
    location = body.get("location")
    if not isinstance(location, str) or not location.strip():
        raise LocationRequired
    document = _document(present[0] if present else None, identifier, name, str(backend.new_id()))
    document["location"] = location.replace(" ", "").lower()
    document["tags"] = body.get("tags") or {}
    backend.store.v1.save(identifier, document, backend.new_etag())
    version = call.query.get("api-version", "")
    headers = {"Location": f"{call.base_url}{document['id']}?api-version={version}"}
    return Reply(document, status=200 if present else 201, headers=headers)


def get(backend: Backend, call: Call) -> Reply:
    """Get Data Factory."""
    present = backend.store.v1.get(_identifier(backend, call))
    if present is None:
        raise ResourceNotFound(
            f"Microsoft.DataFactory/datafactories/{call.path['factory']}", call.path["group"]
        )
    return Reply(present[0])


def delete(backend: Backend, call: Call) -> Reply:
    """Delete Data Factory."""
    return Reply(status=200 if backend.store.v1.delete(_identifier(backend, call)) else 204)


def _identifier(backend: Backend, call: Call) -> str:
    """Resource id, spelt as the version 1 documents spell it."""
    if not backend.options.v1:
        raise InvalidResourceType(call.query.get("api-version", ""))
    return (
        f"/subscriptions/{call.path['subscription']}/resourcegroups/{call.path['group']}"
        f"/providers/Microsoft.DataFactory/datafactories/{call.path['factory']}"
    )


def _document(present: dict[str, Any] | None, identifier: str, name: str, new_id: str) -> dict[str, Any]:
    """What stays of a factory when it is updated, or a new one."""
    if present is not None:
        return present
    return {
        "name": name,
        "id": identifier,
        "type": "Microsoft.DataFactory/datafactories",
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

"""Factories: list, create or update, update, get, delete."""

from typing import Any

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.arm_errors import InvalidResourceLocation
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.arm.regions import short
from adf_trigger.emulator.common.documents import PROVIDER, Factory
from adf_trigger.emulator.common.errors import NameInUse
from adf_trigger.emulator.handlers.common import (
    body_object,
    check_if_match,
    factory_of,
    next_link,
    not_modified,
    path_id,
    skip_to,
)
from adf_trigger.emulator.validation.names import check_factory_name
from adf_trigger.emulator.validation.structure import check_factory_structure
from adf_trigger.emulator.validation.tags import checked_location, checked_tags

_SERVICE_PROPERTIES = frozenset({"provisioningState", "createTime", "version"})
_KNOWN_MEMBERS = frozenset(
    {"name", "id", "type", "location", "tags", "identity", "properties", "eTag", "etag", "systemData"}
)


def list_in_subscription(backend: Backend, call: Call) -> Reply:
    """Factories_List."""
    return _page(backend, call, None)


def list_in_group(backend: Backend, call: Call) -> Reply:
    """Factories_ListByResourceGroup."""
    return _page(backend, call, call.path["group"])


def put(backend: Backend, call: Call) -> Reply:
    """Factories_CreateOrUpdate."""
    name, identifier = call.path["factory"], path_id(call)
    check_factory_name(name, identifier)
    body = body_object(call, identifier)
    check_factory_structure(body, identifier)
    present = backend.store.factories.get(identifier)
    check_if_match(call, present.etag if present else None, identifier)
    location = checked_location(backend.cloud, body.get("location"), f"{PROVIDER}/factories")
    tags = checked_tags(body.get("tags"))
    if present is None:
        if backend.store.factories.id_of_name(name) is not None:
            raise NameInUse(name)
        factory = Factory(
            subscription_id=call.path["subscription"],
            resource_group=call.path["group"],
            name=name,
            location=location,
            created=backend.now(),
            etag=backend.new_etag(),
        )
    else:
        factory = present
        if short(location) != short(factory.location):
            raise InvalidResourceLocation(
                factory.name, factory.resource_group, short(factory.location), short(location)
            )
    factory.properties = {
        key: value for key, value in (body.get("properties") or {}).items() if key not in _SERVICE_PROPERTIES
    }
    factory.tags = tags
    factory.identity = _identity(backend, body.get("identity"), factory.identity)
    factory.extra = {key: value for key, value in body.items() if key not in _KNOWN_MEMBERS}
    return _saved(backend, factory)


def patch(backend: Backend, call: Call) -> Reply:
    """Factories_Update: tags, identity, publicNetworkAccess."""
    factory = factory_of(backend, call)
    body = body_object(call, factory.id)
    check_factory_structure(body, factory.id)
    if "tags" in body:
        factory.tags = checked_tags(body["tags"])
    if "identity" in body:
        factory.identity = _identity(backend, body["identity"], factory.identity)
    access = (body.get("properties") or {}).get("publicNetworkAccess")
    if access is not None:
        factory.properties["publicNetworkAccess"] = access
    return _saved(backend, factory)


def get(backend: Backend, call: Call) -> Reply:
    """Factories_Get."""
    factory = factory_of(backend, call)
    if not_modified(call, factory.etag):
        return Reply(status=304)
    return Reply(shapes.factory(factory))


def delete(backend: Backend, call: Call) -> Reply:
    """Factories_Delete, with everything in it; its runs are cancelled."""
    return Reply(status=200 if remove(backend, path_id(call)) else 204)


def remove(backend: Backend, identifier: str) -> bool:
    """Delete a factory with everything in it; its runs are stopped. False if there is none."""
    backend.engine.forget(identifier)
    return backend.store.factories.delete(identifier)


def _page(backend: Backend, call: Call, group: str | None) -> Reply:
    after = skip_to(call, call.raw_path).lower()
    found = [
        factory
        for factory in backend.store.factories.in_subscription(call.path["subscription"], group)
        if factory.name.lower() > after
    ]
    page = found[: backend.list_size]
    body: dict[str, Any] = {"value": [shapes.factory(factory) for factory in page]}
    if len(found) > len(page):
        body["nextLink"] = next_link(call, page[-1].name)
    return Reply(body)


def _saved(backend: Backend, factory: Factory) -> Reply:
    factory.etag = backend.new_etag()
    backend.store.factories.save(factory)
    return Reply(shapes.factory(factory))


def _identity(
    backend: Backend, requested: dict[str, Any] | None, present: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The identity with the ids that Entra ID adds; ids that exist are kept.

    A body without an identity leaves it as it is; only the type None removes it.
    """
    if requested is None:
        return present
    if requested["type"].lower() == "none":
        return None
    known = present or {}
    identity: dict[str, Any] = {"type": requested["type"]}
    if "systemassigned" in requested["type"].lower():
        identity["principalId"] = known.get("principalId") or str(backend.new_id())
        identity["tenantId"] = backend.tenant_id
    assigned = requested.get("userAssignedIdentities") or {}
    if assigned:
        known_ones = known.get("userAssignedIdentities") or {}
        identity["userAssignedIdentities"] = {
            key: known_ones.get(key)
            or {"principalId": str(backend.new_id()), "clientId": str(backend.new_id())}
            for key in assigned
        }
    return identity

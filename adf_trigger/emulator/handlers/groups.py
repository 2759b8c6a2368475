"""Resource groups, their resources, and the results of their deletion."""

import base64
import json
import re
from typing import Any

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.arm_errors import (
    InvalidFilter,
    InvalidRequestContent,
    InvalidResourceGroup,
    InvalidResourceGroupLocation,
    InvalidTop,
    LocationNotAvailableForGroup,
    LocationRequired,
    OperationNotFound,
    ResourceGroupNotFound,
)
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.arm.regions import REGIONS, is_region, short
from adf_trigger.emulator.handlers.common import next_link, skip_to
from adf_trigger.emulator.handlers.factories import remove
from adf_trigger.emulator.store.groups import ResourceGroup
from adf_trigger.emulator.validation.tags import checked_tags

_NAME = re.compile(r"[-\w.()]{1,90}")
_TYPE = "Microsoft.Resources/resourceGroups"
_RETRY_SECONDS = "1"
_LARGEST_PAGE = 1000
_CONDITION = re.compile(r"\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def list_page(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_List, with its filter on a tag."""
    conditions = _conditions(call, {"tagname", "tagvalue"})
    found = [
        group
        for group in backend.store.groups.in_subscription(call.path["subscription"])
        if _has_tag(group, conditions)
    ]
    return _page(backend, call, [(group.name, _shape(group)) for group in found])


def check(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_CheckExistence."""
    _group_of(backend, call)
    return Reply(status=204)


def get(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_Get."""
    return Reply(_shape(_group_of(backend, call)))


def put(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_CreateOrUpdate."""
    name = call.path["name"]
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise InvalidResourceGroup(name)
    body = _body(call)
    location = body.get("location")
    if not isinstance(location, str) or not location.strip():
        raise LocationRequired
    if not is_region(backend.cloud.name, location):
        raise LocationNotAvailableForGroup(location, [short(each) for each in REGIONS[backend.cloud.name]])
    present = backend.store.groups.get(call.path["subscription"], name)
    if present is not None and present.location != short(location):
        raise InvalidResourceGroupLocation(short(location), present.location)
    group = present or ResourceGroup(
        subscription_id=call.path["subscription"],
        name=name,
        location=short(location),
        instance=backend.new_id().hex,
    )
    _change(group, {"tags": None, "managedBy": None, **body})
    backend.store.groups.save(group)
    return Reply(_shape(group), status=200 if present else 201)


def patch(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_Update: tags and managedBy; omitted properties do not change."""
    group = _group_of(backend, call)
    _change(group, _body(call))
    backend.store.groups.save(group)
    return Reply(_shape(group))


def delete(backend: Backend, call: Call) -> Reply:
    """ResourceGroups_Delete: with the factories in it; Location is the URL to poll for the end."""
    group = _group_of(backend, call)
    subscription = group.subscription_id
    for factory in backend.store.factories.in_subscription(subscription, group.name):
        remove(backend, factory.id)
    for document in backend.store.v1.in_subscription(subscription, group.name):
        backend.store.v1.delete(document["id"])
    backend.store.groups.delete(group)
    version = call.query.get("api-version", "")
    location = f"{call.base_url}/subscriptions/{subscription}/operationresults/{_ticket(group)}?api-version={version}"
    return Reply(status=202, headers={"Location": location, "Retry-After": _RETRY_SECONDS})


def operation_result(_backend: Backend, call: Call) -> Reply:
    """The result of a deletion: groups are deleted before the request is answered."""
    ticket = call.path["operation"]
    try:
        job = json.loads(base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4)))
    except ValueError:
        job = None
    if not isinstance(job, dict) or not str(job.get("jobId", "")).startswith(_JOB):
        raise OperationNotFound(ticket)
    return Reply()


_JOB = "RESOURCEGROUPDELETIONJOB-"


def _ticket(group: ResourceGroup) -> str:
    """The name of a deletion, in the service's format."""
    name = re.sub(r"[^A-Z0-9]", "", group.name.upper())
    job = {
        "jobId": f"{_JOB}{name}-{group.instance.upper()}-{group.location.upper()}",
        "jobLocation": group.location,
    }
    return base64.urlsafe_b64encode(json.dumps(job, separators=(",", ":")).encode()).decode().rstrip("=")


def list_resources(backend: Backend, call: Call) -> Reply:
    """Resources_List, Resources_ListByResourceGroup: the factories, of both versions."""
    conditions = _conditions(
        call, {"resourcetype", "name", "resourcegroup", "location", "tagname", "tagvalue"}
    )
    subscription, group = call.path["subscription"], call.path.get("group")
    found = [
        *map(shapes.factory, backend.store.factories.in_subscription(subscription, group)),
        *backend.store.v1.in_subscription(subscription, group),
    ]
    resources: list[dict[str, Any]] = [
        {
            name: resource[name]
            for name in ("id", "name", "type", "location", "identity", "tags")
            if name in resource
        }
        for resource in found
    ]
    matching = [resource for resource in resources if _matches(resource, conditions)]
    return _page(backend, call, sorted(((resource["id"], resource) for resource in matching), key=_lower))


def _lower(entry: tuple[str, dict[str, Any]]) -> str:
    return entry[0].lower()


def _page(backend: Backend, call: Call, found: list[tuple[str, dict[str, Any]]]) -> Reply:
    """A page of named resources, in order."""
    after = skip_to(call, call.raw_path).lower()
    left = [(name, shape) for name, shape in found if name.lower() > after]
    size = min(backend.list_size, _top(call))
    body: dict[str, Any] = {"value": [shape for _, shape in left[:size]]}
    if len(left) > size:
        body["nextLink"] = next_link(call, left[size - 1][0])
    return Reply(body)


def _top(call: Call) -> int:
    top = call.query.get("$top", str(_LARGEST_PAGE))
    # Longer values are rejected before int(), which accepts a limited number of digits.
    if not (top.isascii() and top.isdecimal() and len(top) <= len(str(_LARGEST_PAGE))):
        raise InvalidTop(top)
    if not 1 <= int(top) <= _LARGEST_PAGE:
        raise InvalidTop(top)
    return int(top)


def _group_of(backend: Backend, call: Call) -> ResourceGroup:
    group = backend.store.groups.get(call.path["subscription"], call.path["name"])
    if group is None:
        raise ResourceGroupNotFound(call.path["name"])
    return group


def _body(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise InvalidRequestContent("The request content must be a JSON object.")
    return call.body


def _change(group: ResourceGroup, body: dict[str, Any]) -> None:
    if "tags" in body:
        group.tags = None if body["tags"] is None else checked_tags(body["tags"])
    if "managedBy" in body:
        managed_by = body["managedBy"]
        if managed_by is not None and not isinstance(managed_by, str):
            raise InvalidRequestContent("The property 'managedBy' must be a string.")
        group.managed_by = managed_by


def _shape(group: ResourceGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "type": _TYPE,
        "location": group.location,
        **({"managedBy": group.managed_by} if group.managed_by else {}),
        **({} if group.tags is None else {"tags": group.tags}),
        "properties": {"provisioningState": "Succeeded"},
    }


def _conditions(call: Call, known: set[str]) -> dict[str, str]:
    """The conditions of $filter; only equalities joined by `and` are supported.

    Raises:
        InvalidFilter: it is something else.
    """
    text = call.query.get("$filter", "")
    conditions: dict[str, str] = {}
    for part in _AND.split(text) if text.strip() else ():
        condition = _CONDITION.fullmatch(part)
        if condition is None or condition[1].lower() not in known:
            raise InvalidFilter(text)
        conditions[condition[1].lower()] = condition[2].replace("''", "'")
    return conditions


def _has_tag(group: ResourceGroup, conditions: dict[str, str]) -> bool:
    return _tagged(group.tags or {}, conditions)


def _tagged(tags: dict[str, str], conditions: dict[str, str]) -> bool:
    name, value = conditions.get("tagname"), conditions.get("tagvalue")
    return any(
        (name is None or key.lower() == name.lower()) and (value is None or text == value)
        for key, text in tags.items()
    ) or (name is None and value is None)


def _matches(resource: dict[str, Any], conditions: dict[str, str]) -> bool:
    facts = {
        "resourcetype": resource["type"],
        "name": resource["name"],
        "resourcegroup": resource["id"].split("/")[4],
        "location": short(resource["location"]),
    }
    wanted = {name: short(value) if name == "location" else value for name, value in conditions.items()}
    return _tagged(resource.get("tags") or {}, conditions) and all(
        facts[name].lower() == value.lower() for name, value in wanted.items() if name in facts
    )

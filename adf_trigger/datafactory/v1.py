"""The first version of the service: create or update a `datafactories` factory (api-version 2015-10-01).

In 2024 the Resource Manager answered it with 404 InvalidResourceType: ScopeNotFound here.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import DataFactoryV1
from adf_trigger.datafactory.replies import read_object
from adf_trigger.datafactory.resources import header_value

API_VERSION = "2015-10-01"

_TAKEN = frozenset({200, 201, 202})


def create_or_update_data_factory(
    api: ManagementApi,
    factory: FactoryId,
    *,
    location: str,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, Any] | None = None,
    if_match: str | None = None,
    client_request_id: UUID | None = None,
) -> DataFactoryV1:
    """Create or update a factory of the first version, as its 2016 document describes it.

    Args:
        api: makes the call.
        factory: subscription, resource group and name.
        location: Azure region.
        tags: labels.
        properties: properties of the factory.
        if_match: update only that version.
        client_request_id: the operation id, which the document requires; None creates one.

    Returns:
        The factory. Its `reply` has the document's response headers: request, correlation and routing id,
        remaining writes, date and location. It is still being created while
        `properties["provisioningState"]` is not `Succeeded` (202 Accepted).

    Raises:
        PreconditionFailed: its version has changed.
        DataFactoryError: see the tree of errors.
    """
    given = {"name": factory.name, "location": location, "tags": tags, "properties": properties}
    call = Call(
        operation="DataFactories_CreateOrUpdate",
        method="PUT",
        path=(
            f"/subscriptions/{factory.subscription_id}/resourcegroups/{quote(factory.resource_group)}"
            f"/providers/Microsoft.DataFactory/datafactories/{factory.name}"
        ),
        effect=Effect.CHANGE,
        client_request_id=client_request_id or api.new_id(),
        query={"api-version": API_VERSION},
        body={name: value for name, value in given.items() if value is not None},
        headers={} if if_match is None else {"If-Match": header_value("If-Match", if_match)},
        accepts=_TAKEN,
    )
    return api.perform(call, partial(_read, call, factory.name))


def _read(call: Call, name: str, reply: Reply) -> DataFactoryV1:
    if reply.status == HTTPStatus.ACCEPTED and not reply.body:
        return DataFactoryV1(name=name).with_reply(reply.facts(call.client_request_id))
    return read_object(call, reply, DataFactoryV1)

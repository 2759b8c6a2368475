"""Factories and the resources in them: create or update, get, list, delete, with ETags."""

from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit
from uuid import UUID

from adf_trigger.azure.resource_ids import FactoryId, entity_segment
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.failures import garbled
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import Factory, Resource
from adf_trigger.datafactory.replies import read_items, read_object
from adf_trigger.errors import Fault, InvalidRequest

API_VERSION = "2018-06-01"

R = TypeVar("R", bound=Resource)

_GONE = frozenset({200, 202, 204})
_STORED = frozenset({200, 201})
_GOT_OR_UNCHANGED = frozenset({200, 304})
_LONGEST_NAME = 260


class ResourceOperations(Generic[R]):
    """The operations that every kind of resource has, below one path.

    Args:
        api: makes the calls.
        operation: the group's name in the service's OpenAPI description: Pipelines, Datasets, …
        model: the model of a reply.
    """

    def __init__(self, api: ManagementApi, operation: str, model: type[R]) -> None:
        self._api = api
        self._operation = operation
        self._model = model

    def get(self, path: str) -> R:
        """The resource at a path."""
        call = self._call("Get", "GET", path, Effect.NONE)
        return self._api.perform(call, partial(self._read_named, call))

    def _read_named(self, call: Call, reply: Reply) -> R:
        """The resource of a reply, which must be the requested one: names compare without regard to case."""
        found = read_object(call, reply, self._model)
        asked = unquote(call.path.rpartition("/")[2])
        if found.name and found.name.lower() != asked.lower():
            raise garbled(call, reply, f"it is about another resource, {found.name[:_LONGEST_NAME]!r}")
        return found

    def get_if_changed(self, path: str, etag: str) -> R | None:
        """The resource at a path, or None if it is still the version of that ETag."""
        call = self._call(
            "Get",
            "GET",
            path,
            Effect.NONE,
            headers={"If-None-Match": header_value("If-None-Match", etag)},
            accepts=_GOT_OR_UNCHANGED,
        )

        def read(reply: Reply) -> R | None:
            return None if reply.status == HTTPStatus.NOT_MODIFIED else self._read_named(call, reply)

        return self._api.perform(call, read)

    def put(self, path: str, body: Mapping[str, Any], if_match: str | None) -> R:
        """Create or update the resource at a path."""
        call = self._call(
            "CreateOrUpdate",
            "PUT",
            path,
            Effect.CHANGE,
            body=dict(body),
            headers={} if if_match is None else {"If-Match": header_value("If-Match", if_match)},
            accepts=_STORED,
        )
        return self._api.perform(call, lambda reply: read_object(call, reply, self._model))

    def delete(self, path: str) -> bool:
        """Delete the resource at a path; returns whether there was one."""
        call = self._call("Delete", "DELETE", path, Effect.CHANGE, accepts=_GONE)
        return self._api.perform(call, lambda reply: reply.status != HTTPStatus.NO_CONTENT)

    def pages(self, path: str, operation: str = "ListByFactory") -> Iterator[R]:
        """The resources below a path: one call per page, made lazily."""
        call = self._call(operation, "GET", path, Effect.NONE)
        while True:
            items, next_path = self._api.perform(call, partial(self._read_page, call))
            yield from items
            if next_path is None:
                return
            # The link is complete, so it is followed unchanged.
            call = self._call(operation, "GET", next_path, Effect.NONE, query={})

    def _read_page(self, call: Call, reply: Reply) -> tuple[list[R], str | None]:
        items, whole = read_items(call, reply, self._model)
        link = whole.get("nextLink")
        if not link:
            return items, None
        next_path = path_below(self._api.endpoint, link) if isinstance(link, str) else None
        if next_path is None:
            raise garbled(call, reply, "its nextLink is another address")
        if next_path == call.path:
            raise garbled(call, reply, "its nextLink is the page itself")
        return items, next_path

    def _call(self, operation: str, method: str, path: str, effect: Effect, **more: Any) -> Call:
        return Call(
            operation=f"{self._operation}_{operation}",
            method=method,
            path=path,
            effect=effect,
            client_request_id=self._api.new_id(),
            **{"query": {"api-version": API_VERSION}} | more,
        )


class NamedResources(Generic[R]):
    """The resources of one kind in a factory, by name.

    Every method raises InvalidRequest for a name that the service does not accept, and the errors of
    `ManagementApi.perform`.

    Args:
        api: makes the calls.
        factory: their factory.
        kind: their segment of the path: pipelines, datasets, linkedservices.
        operation: the group's name in the service's OpenAPI description.
        model: the model of a reply.
    """

    def __init__(
        self, api: ManagementApi, factory: FactoryId, kind: str, operation: str, model: type[R]
    ) -> None:
        self._operations = ResourceOperations(api, operation, model)
        self._kind = kind
        self._path = f"{factory.path}/{kind}"

    def get(self, name: str) -> R:
        """A resource."""
        return self._operations.get(self._path_of(name))

    def get_if_changed(self, name: str, etag: str) -> R | None:
        """A resource, or None if it is still the version of that ETag (If-None-Match)."""
        return self._operations.get_if_changed(self._path_of(name), etag)

    def list(self) -> Iterator[R]:
        """All resources: one call per page, made lazily."""
        return self._operations.pages(self._path)

    def create_or_update(self, name: str, properties: Mapping[str, Any], *, if_match: str | None = None) -> R:
        """Create or replace a resource.

        Args:
            name: its name.
            properties: its definition, as under `properties` in the service's JSON.
            if_match: replace only that version (`*`: any existing one); None creates or replaces.

        Raises:
            PreconditionFailed: its version has changed.
        """
        return self._operations.put(self._path_of(name), {"properties": dict(properties)}, if_match)

    def delete(self, name: str) -> bool:
        """Delete a resource; returns False if there was none."""
        return self._operations.delete(self._path_of(name))

    def _path_of(self, name: str) -> str:
        return f"{self._path}/{entity_segment(self._kind, name)}"


class Factories:
    """The factories that the identity can reach.

    Args:
        api: makes the calls.
    """

    def __init__(self, api: ManagementApi) -> None:
        self._operations = ResourceOperations(api, "Factories", Factory)

    def get(self, factory: FactoryId) -> Factory:
        """One factory."""
        return self._operations.get(factory.path)

    def get_if_changed(self, factory: FactoryId, etag: str) -> Factory | None:
        """One factory, or None if it is still the version of that ETag (If-None-Match)."""
        return self._operations.get_if_changed(factory.path, etag)

    def list(self, subscription_id: UUID, resource_group: str | None = None) -> Iterator[Factory]:
        """The factories of a subscription, or of one resource group: one call per page."""
        group = "" if resource_group is None else f"/resourceGroups/{quote(resource_group, safe='')}"
        return self._operations.pages(
            f"/subscriptions/{subscription_id}{group}/providers/Microsoft.DataFactory/factories",
            "List" if resource_group is None else "ListByResourceGroup",
        )

    def create_or_update(
        self,
        factory: FactoryId,
        *,
        location: str,
        tags: Mapping[str, str] | None = None,
        identity: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        if_match: str | None = None,
    ) -> Factory:
        """Create a factory, or replace it.

        Args:
            factory: its id; names of factories are unique in all of Azure.
            location: Azure region.
            tags: labels.
            identity: managed identity of the factory, such as `{"type": "SystemAssigned"}`.
            properties: repoConfiguration, globalParameters, publicNetworkAccess, encryption, …
            if_match: replace only that version (`*`: any existing one); None creates or replaces.

        Raises:
            PreconditionFailed: its version has changed.
            Refused: 409 DataFactoryNameInUse: the name is taken.
        """
        given = {"location": location, "tags": tags, "identity": identity, "properties": properties}
        body = {name: value for name, value in given.items() if value is not None}
        return self._operations.put(factory.path, body, if_match)

    def delete(self, factory: FactoryId) -> bool:
        """Delete a factory and everything in it; returns False if there was none."""
        return self._operations.delete(factory.path)


def path_below(endpoint: str, link: str) -> str | None:
    """Path and query of a link below an endpoint; None for another address.

    Each call carries the token, so only links to our own endpoint are followed. The same address may be written with
    its default port.
    """
    try:
        base, found = urlsplit(endpoint), urlsplit(link)
        same = _origin(base) == _origin(found)
    except ValueError:
        return None
    if not same or not found.path.startswith(f"{base.path}/"):
        return None
    return urlunsplit(("", "", found.path.removeprefix(base.path), found.query, ""))


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"https": 443, "http": 80}.get(url.scheme)


def header_value(name: str, value: str) -> str:
    """Require that a header can carry a value; returns it.

    Raises:
        InvalidRequest: it cannot.
    """
    if not value.isascii() or not value.isprintable():
        raise InvalidRequest([Fault(pointer=name, message="must have only printable ASCII characters")])
    return value

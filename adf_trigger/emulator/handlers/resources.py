"""Linked services, datasets, pipelines and the other documents of a factory: the same four handlers for every kind."""

from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.arm import shapes
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.common.documents import TRIGGERS, Document, Kind
from adf_trigger.emulator.common.errors import BadRequest, NotFound, StillReferenced, TriggerEnabled
from adf_trigger.emulator.handlers.common import (
    body_object,
    check_if_match,
    factory_of,
    next_link,
    not_modified,
    skip_to,
)
from adf_trigger.emulator.validation.documents import check_document
from adf_trigger.emulator.validation.references import referrer


@dataclass(frozen=True, slots=True)
class ResourceHandlers:
    """The handlers of one kind. The path parameter with the name is `name`."""

    kind: Kind

    def list_page(self, backend: Backend, call: Call) -> Reply:
        """…_ListByFactory."""
        factory = factory_of(backend, call)
        after = skip_to(call, factory.id)
        size = backend.list_size
        found = backend.store.resources.page(factory.id, self.kind, after=after, limit=size + 1)
        body: dict[str, Any] = {"value": [shapes.document(document) for document in found[:size]]}
        if len(found) > size:
            body["nextLink"] = next_link(call, found[size - 1].name)
        return Reply(body)

    def put(self, backend: Backend, call: Call) -> Reply:
        """…_CreateOrUpdate."""
        factory = factory_of(backend, call)
        name = call.path["name"]
        present = backend.store.resources.get(factory.id, self.kind, name)
        wanted = Document(
            factory_id=factory.id,
            kind=self.kind,
            name=present.name if present else name,
            properties={},
            etag=backend.new_etag(),
        )
        check_if_match(call, present.etag if present else None, wanted.id)
        properties = body_object(call, wanted.target).get("properties")
        if not isinstance(properties, dict):
            raise BadRequest("Required property 'properties' not found in JSON.", target=wanted.target)
        wanted.properties = dict(properties)
        if self.kind is TRIGGERS:
            _keep_state(wanted, present)
        check_document(wanted, backend.store, backend.options, is_new=present is None)
        backend.store.resources.save(wanted)
        return Reply(shapes.document(wanted))

    def get(self, backend: Backend, call: Call) -> Reply:
        """…_Get."""
        document = document_of(backend, call, self.kind)
        if not_modified(call, document.etag):
            return Reply(status=304)
        return Reply(shapes.document(document))

    def delete(self, backend: Backend, call: Call) -> Reply:
        """…_Delete; refused while another document refers to this one."""
        factory = factory_of(backend, call)
        document = backend.store.resources.get(factory.id, self.kind, call.path["name"])
        if document is None:
            return Reply(status=204)
        user = referrer(document, backend.store.resources.in_factory(factory.id))
        if user is not None:
            raise StillReferenced(user, document.id)
        if self.kind is TRIGGERS and document.properties.get("runtimeState") == "Started":
            raise TriggerEnabled
        backend.store.resources.delete(factory.id, self.kind, document.name)
        return Reply()


def document_of(backend: Backend, call: Call, kind: Kind, parameter: str = "name") -> Document:
    """The document in a path.

    Raises:
        NotFound: it does not exist.
    """
    factory = factory_of(backend, call)
    name = call.path[parameter]
    document = backend.store.resources.get(factory.id, kind, name)
    if document is None:
        raise NotFound(f"{factory.id}/{kind.collection}/{name}")
    return document


def _keep_state(wanted: Document, present: Document | None) -> None:
    """A trigger's state is the service's; one that is started must be stopped before it is changed."""
    state = present.properties.get("runtimeState") if present else "Stopped"
    if state == "Started":
        raise TriggerEnabled
    wanted.properties["runtimeState"] = state

"""The pipelines that can be started, with what they declare."""

import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from adf_trigger.datafactory.lenient import json_object, text
from adf_trigger.datafactory.models import PipelineResource
from adf_trigger.errors import AdfTriggerError, CredentialError, DataFactoryError, DataFactoryFailed, TryLater
from adf_trigger.messages.declaration import is_secure
from adf_trigger.messages.limits import one_line, shorten, shorten_middle
from adf_trigger.messages.masking import MASK
from adf_trigger.readings import DeclaredParameter, PipelineList, PipelineView, UnreadFactory
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.reads import Reads, nothing_allowed
from adf_trigger.service.factories import Factories, FactoryHandle

MOST_PIPELINES = 5_000
"""Maximum pipelines of one factory that are listed: Data Factory allows as many entities (documented limits)."""

MOST_PAGES = MOST_PIPELINES // 50 + 2
MAX_BODY = 4_194_304
"""Maximum characters of an answer, as ASCII JSON, without its envelope."""

A_PAGE = 50
"""Pipelines per page, as recorded replies show."""

LONGEST_DEFAULT = 2_048
"""Maximum characters of a default value's JSON."""


class PipelineLister:
    """Lists pipelines.

    Args:
        factories: all configured factories.
        reads: gives budgets for reads.
    """

    def __init__(self, factories: Factories, reads: Reads) -> None:
        self._factories = factories
        self._reads = reads

    def list(self, factory: str | None = None) -> PipelineList:
        """The pipelines of a factory, or of all: those that cannot be read are named in `unread`.

        Args:
            factory: alias or resource id.

        Raises:
            InvalidRequest: there is no such factory.
            TryLater, DataFactoryFailed, FactoryUnusable: the factory that was named cannot be read, or none can.
        """
        chosen = self._chosen(factory)
        pipelines: list[PipelineView] = []
        unread: list[UnreadFactory] = []
        truncated = False
        for handle in chosen:
            try:
                found, complete = self._read(handle)
            except (DataFactoryError, CredentialError, DataFactoryFailed, TryLater) as exc:
                if len(chosen) == 1:
                    raise
                unread.append(UnreadFactory(factory=handle.alias, reason=_reason(exc)))
                continue
            pipelines += found
            truncated = truncated or not complete
        shown = _fitting(pipelines)
        return PipelineList(
            pipelines=list(shown), unread=unread, truncated=truncated or len(shown) < len(pipelines)
        )

    def one(self, name: str, factory: str | None = None) -> PipelineView:
        """One pipeline.

        Raises:
            InvalidRequest: there is no such factory, or several and none is named.
            ResourceNotFound: there is no such pipeline.
            TryLater, DataFactoryFailed, FactoryUnusable: the factory cannot be read.
        """
        handles = self._chosen(factory)
        handle = handles[0] if factory is not None else self._factories.choose(None, pointer="factory")
        with self._reads.of(handle, pages=1):
            return view_of(handle.alias, handle.runs.get_pipeline(name))

    def _chosen(self, factory: str | None) -> Sequence[FactoryHandle]:
        if factory is None:
            return [self._factories.choose(alias) for alias in self._factories.aliases]
        by_id = self._factories.kept_under(factory)
        alias = factory if by_id is None else by_id.alias
        return [self._factories.choose(alias, pointer="factory")]

    def _read(self, handle: FactoryHandle) -> tuple[Sequence[PipelineView], bool]:
        """The pipelines of a factory, and whether the list is complete."""
        with self._reads.of(handle, pages=MOST_PAGES) as budget:
            found, complete = _read(budget, handle.runs.list_pipelines())
        views = [view_of(handle.alias, each) for each in found]
        return sorted(views, key=lambda view: view.name.lower()), complete


def _read(budget: Budget, pipelines: Iterator[PipelineResource]) -> tuple[Sequence[PipelineResource], bool]:
    found: list[PipelineResource] = []
    while len(found) < MOST_PIPELINES:
        if len(found) % A_PAGE == 0 and not budget.spend():
            if not found:
                raise nothing_allowed()
            return found, False
        each = next(pipelines, None)
        if each is None:
            return found, True
        found.append(each)
    return found, next(pipelines, None) is None


def _fitting(pipelines: Sequence[PipelineView]) -> Sequence[PipelineView]:
    """The first pipelines, as many as fit into an answer."""
    left = MAX_BODY
    for number, view in enumerate(pipelines):
        left -= len(json.dumps(view.model_dump(mode="json"))) + 2
        if left < 0:
            return pipelines[:number]
    return pipelines


def view_of(factory: str, pipeline: PipelineResource) -> PipelineView:
    """A pipeline as callers see it, without default values of secure parameters."""
    declared = json_object(pipeline.properties.get("parameters"))
    return PipelineView(
        factory=factory,
        name=pipeline.name,
        description=shorten(text(pipeline.properties.get("description")), LONGEST_DEFAULT) or None,
        parameters={name: _parameter(json_object(each)) for name, each in declared.items()},
    )


def _parameter(declared: dict[str, JsonValue]) -> DeclaredParameter:
    kind = text(declared.get("type"))
    secure = is_secure(kind)
    default = declared.get("defaultValue")
    shown: JsonValue = MASK if secure and "defaultValue" in declared else _cut(default)
    return DeclaredParameter(type=kind, default=shown, secure=secure, required="defaultValue" not in declared)


def _cut(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else json.dumps(value)
    return value if len(text) <= LONGEST_DEFAULT else shorten_middle(text, LONGEST_DEFAULT)


def _reason(error: AdfTriggerError) -> str:
    return one_line(str(error))

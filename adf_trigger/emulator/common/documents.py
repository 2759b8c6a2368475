"""The resources of a factory as the emulated service stores them, and their kinds. Plain data."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PROVIDER = "Microsoft.DataFactory"

FACTORY_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
FACTORY_NAME_LENGTH = range(3, 64)

_ENTITY_NAME = re.compile(r"[A-Za-z0-9_][^<>*#.%&:\\+?/]*")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_][^<>*#.%&:\\+?/]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of sub-resource.

    Attributes:
        collection: path segment in ids and types, in the service's own case.
        label: its name in the `target` of the service's errors ("Pipeline/<name>").
        reference_type: `type` of a reference to one.
        name: pattern that a whole name must match.
        max_name: longest name, in characters.
    """

    collection: str
    label: str
    reference_type: str
    name: re.Pattern[str] = _ENTITY_NAME
    max_name: int = 260


LINKED_SERVICES = Kind(
    collection="linkedservices", label="LinkedService", reference_type="LinkedServiceReference"
)
DATASETS = Kind(collection="datasets", label="Dataset", reference_type="DatasetReference")
PIPELINES = Kind(collection="pipelines", label="Pipeline", reference_type="PipelineReference")
TRIGGERS = Kind(collection="triggers", label="Trigger", reference_type="TriggerReference")
CREDENTIALS = Kind(
    collection="credentials",
    label="Credential",
    reference_type="CredentialReference",
    name=_CREDENTIAL_NAME,
    max_name=127,
)
GLOBAL_PARAMETERS = Kind(
    collection="globalParameters", label="GlobalParameter", reference_type="GlobalParameterReference"
)
DATA_FLOWS = Kind(collection="dataflows", label="DataFlow", reference_type="DataFlowReference")
INTEGRATION_RUNTIMES = Kind(
    collection="integrationruntimes",
    label="IntegrationRuntime",
    reference_type="IntegrationRuntimeReference",
    name=FACTORY_NAME,
    max_name=63,
)

KINDS = (
    LINKED_SERVICES,
    DATASETS,
    PIPELINES,
    TRIGGERS,
    CREDENTIALS,
    GLOBAL_PARAMETERS,
    DATA_FLOWS,
    INTEGRATION_RUNTIMES,
)


def factory_id(subscription: str, resource_group: str, name: str) -> str:
    """Resource id of a factory. Compare ids case-insensitively (`str.lower`)."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{PROVIDER}/factories/{name}"
    )


@dataclass(slots=True, kw_only=True)
class Factory:
    """A data factory.

    Attributes:
        identity: as the reply shows it, with principalId and tenantId; None if there is none.
        properties: as set by the caller (globalParameters, repoConfiguration, …), without those of the service.
        etag: without the quotes around it in the reply.
    """

    subscription_id: str
    resource_group: str
    name: str
    location: str
    created: datetime
    etag: str
    tags: dict[str, str] = field(default_factory=dict)
    identity: dict[str, Any] | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Resource id, in the case of the factory's creation."""
        return factory_id(self.subscription_id, self.resource_group, self.name)


@dataclass(slots=True, kw_only=True)
class Document:
    """A sub-resource: a linked service, a dataset, a pipeline, a trigger.

    Attributes:
        properties: as the caller wrote them, with secrets in plain text.
    """

    factory_id: str
    kind: Kind
    name: str
    properties: dict[str, Any]
    etag: str

    @property
    def id(self) -> str:
        """Resource id, in the case of the creation."""
        return f"{self.factory_id}/{self.kind.collection}/{self.name}"

    @property
    def target(self) -> str:
        """Its name in some of the service's errors."""
        return f"{self.kind.label}/{self.name}"


@dataclass(slots=True, kw_only=True)
class TriggerRun:
    """One firing of a trigger.

    Attributes:
        trigger_run_id: `0858…CU27`.
        status: Succeeded, Failed or Inprogress: whether the runs were started, not how they ended.
        timestamp: when it fired.
        scheduled: the time for which it fired.
        triggered_pipelines: pipeline name to run id.
    """

    factory_id: str
    trigger_name: str
    trigger_type: str
    trigger_run_id: str
    timestamp: datetime
    scheduled: datetime | None = None
    status: str = "Succeeded"
    message: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    triggered_pipelines: dict[str, str] = field(default_factory=dict)

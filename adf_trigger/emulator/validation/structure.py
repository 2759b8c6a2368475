"""The structure of documents, as far as the emulator relies on it; other properties are stored as they are.

A property that may be left out may also be null.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, TypeAdapter, ValidationError

from adf_trigger.emulator.common.documents import (
    CREDENTIALS,
    DATA_FLOWS,
    DATASETS,
    GLOBAL_PARAMETERS,
    INTEGRATION_RUNTIMES,
    LINKED_SERVICES,
    PIPELINES,
    TRIGGERS,
    Document,
)
from adf_trigger.emulator.common.errors import BadRequest


class _Structure(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Declaration(_Structure):
    type: str


_Declarations = dict[str, _Declaration] | None


class _Typed(_Structure):
    type: str
    typeProperties: dict[str, Any] | None = None  # noqa: N815 - the wire's names throughout
    parameters: _Declarations = None


class _Reference(_Structure):
    referenceName: str  # noqa: N815
    parameters: dict[str, Any] | None = None


class _Dependency(_Structure):
    activity: str
    dependencyConditions: list[str] | None = None  # noqa: N815


class _Case(_Structure):
    activities: list["_Activity"] | None = None


class _Branches(_Structure):
    activities: list["_Activity"] | None = None
    ifTrueActivities: list["_Activity"] | None = None  # noqa: N815
    ifFalseActivities: list["_Activity"] | None = None  # noqa: N815
    defaultActivities: list["_Activity"] | None = None  # noqa: N815
    cases: list[_Case] | None = None


class _Activity(_Structure):
    name: str
    type: str
    dependsOn: list[_Dependency] | None = None  # noqa: N815
    policy: dict[str, Any] | None = None
    userProperties: list[dict[str, Any]] | None = None  # noqa: N815
    inputs: list[_Reference] | None = None
    outputs: list[_Reference] | None = None
    linkedServiceName: _Reference | None = None  # noqa: N815
    typeProperties: _Branches | None = None  # noqa: N815


class _Pipeline(_Structure):
    activities: list[_Activity] | None = None
    parameters: _Declarations = None
    variables: _Declarations = None
    annotations: list[Any] | None = None
    runDimensions: dict[str, Any] | None = None  # noqa: N815
    concurrency: Annotated[int, Field(ge=1)] | None = None
    policy: dict[str, Any] | None = None
    folder: dict[str, Any] | None = None


class _Dataset(_Typed):
    linkedServiceName: _Reference  # noqa: N815


class _TriggeredPipeline(_Structure):
    pipelineReference: _Reference  # noqa: N815
    parameters: dict[str, Any] | None = None


class _Schedule(_Structure):
    minutes: list[Any] | None = None
    hours: list[Any] | None = None
    weekDays: list[Any] | None = None  # noqa: N815
    monthDays: list[Any] | None = None  # noqa: N815
    monthlyOccurrences: list[dict[str, Any]] | None = None  # noqa: N815


class _Recurrence(_Structure):
    startTime: str | None = None  # noqa: N815
    endTime: str | None = None  # noqa: N815
    schedule: _Schedule | None = None


class _TriggerProperties(_Structure):
    recurrence: _Recurrence | None = None


class _Trigger(_Structure):
    type: str
    typeProperties: _TriggerProperties | None = None  # noqa: N815
    pipelines: list[_TriggeredPipeline] | None = None


class _GlobalParameters(RootModel[dict[str, _Declaration]]):
    pass


def _without_blanks(value: Any) -> Any:
    # Resource Manager itself writes "SystemAssigned, UserAssigned", and reads any letter case.
    return value.replace(" ", "").lower() if isinstance(value, str) else value


class _Identity(_Structure):
    type: Annotated[
        Literal["systemassigned", "userassigned", "systemassigned,userassigned", "none"],
        BeforeValidator(_without_blanks),
    ]
    userAssignedIdentities: dict[str, Any] | None = None  # noqa: N815


class _Repository(_Structure):
    type: str
    accountName: str  # noqa: N815
    repositoryName: str  # noqa: N815
    collaborationBranch: str  # noqa: N815
    rootFolder: str  # noqa: N815
    lastCommitId: str | None = None  # noqa: N815
    disablePublish: bool | None = None  # noqa: N815


class _Encryption(_Structure):
    keyName: str  # noqa: N815
    vaultBaseUrl: str  # noqa: N815
    keyVersion: str | None = None  # noqa: N815
    identity: dict[str, Any] | None = None


class _FactoryProperties(_Structure):
    globalParameters: _Declarations = None  # noqa: N815
    repoConfiguration: _Repository | None = None  # noqa: N815
    encryption: _Encryption | None = None
    purviewConfiguration: dict[str, Any] | None = None  # noqa: N815
    publicNetworkAccess: Literal["Enabled", "Disabled"] | None = None  # noqa: N815


class _Factory(_Structure):
    identity: _Identity | None = None
    properties: _FactoryProperties | None = None


_STRUCTURES: Mapping[str, TypeAdapter[Any]] = {
    LINKED_SERVICES.collection: TypeAdapter(_Typed),
    DATASETS.collection: TypeAdapter(_Dataset),
    PIPELINES.collection: TypeAdapter(_Pipeline),
    TRIGGERS.collection: TypeAdapter(_Trigger),
    CREDENTIALS.collection: TypeAdapter(_Typed),
    GLOBAL_PARAMETERS.collection: TypeAdapter(_GlobalParameters),
    DATA_FLOWS.collection: TypeAdapter(_Typed),
    INTEGRATION_RUNTIMES.collection: TypeAdapter(_Typed),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {"RestService": ("url", "authenticationType")}
_FACTORY_STRUCTURE: TypeAdapter[Any] = TypeAdapter(_Factory)


def check_structure(document: Document) -> None:
    """Reject properties that do not have the structure of their kind.

    Raises:
        BadRequest: naming every place.
    """
    _check(_STRUCTURES[document.kind.collection], document.properties, document.target)
    if document.kind is LINKED_SERVICES:
        _check_required(document)


def _check_required(document: Document) -> None:
    """Reject a linked service that lacks what the API's description requires of its type."""
    given = document.properties.get("typeProperties") or {}
    missing = [
        name for name in _REQUIRED.get(document.properties["type"], ()) if given.get(name) in (None, "")
    ]
    if missing:
        raise BadRequest(
            " ".join(f"Required property 'typeProperties.{name}' not found in JSON." for name in missing),
            target=document.target,
        )


def check_factory_structure(body: dict[str, Any], target: str) -> None:
    """Reject a factory that does not have the structure of one.

    Raises:
        BadRequest: naming every place.
    """
    _check(_FACTORY_STRUCTURE, body, target)


def _check(structure: TypeAdapter[Any], value: Any, target: str) -> None:
    try:
        structure.validate_python(value)
    except ValidationError as exc:
        raise BadRequest(" ".join(_texts(exc)), target=target) from exc


def _texts(error: ValidationError) -> list[str]:
    texts = []
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "missing":
            texts.append(f"Required property '{place}' not found in JSON.")
        else:
            texts.append(f"Property '{place}' is not valid: {fault['msg']}.")
    return texts

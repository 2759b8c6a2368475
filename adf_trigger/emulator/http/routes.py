"""Every operation of the management API that is emulated, in one table.

A segment in braces is a parameter. Paths are matched segment by segment and case-insensitively, since clients,
documents and the service itself disagree about the case (`resourcegroups`, `queryActivityruns`).
"""

from collections.abc import Iterator

from adf_trigger.emulator.arm.operations import Handler, Operation
from adf_trigger.emulator.arm.throttling import Bucket
from adf_trigger.emulator.common.documents import (
    CREDENTIALS,
    DATA_FLOWS,
    DATASETS,
    GLOBAL_PARAMETERS,
    INTEGRATION_RUNTIMES,
    LINKED_SERVICES,
    PIPELINES,
    TRIGGERS,
    Kind,
)
from adf_trigger.emulator.handlers import catalogue, factories, legacy, runs, triggers, v1
from adf_trigger.emulator.handlers.resources import ResourceHandlers
from adf_trigger.emulator.http.arm_routes import ARM_OPERATIONS

_PROVIDERS = "/subscriptions/{subscription}/providers/Microsoft.DataFactory"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory"
_FACTORY = f"{_GROUP}/factories/{{factory}}"
_RUN = f"{_FACTORY}/pipelineruns/{{run}}"
_TRIGGER = f"{_FACTORY}/triggers/{{name}}"
_V1 = f"{_GROUP}/datafactories/{{factory}}"

_KINDS: tuple[tuple[Kind, str, str, str], ...] = (
    (LINKED_SERVICES, "LinkedService", "LinkedServices", "linkedServices"),
    (DATASETS, "Dataset", "Datasets", "datasets"),
    (PIPELINES, "Pipeline", "Pipelines", "pipelines"),
    (TRIGGERS, "Trigger", "Triggers", "triggers"),
    (CREDENTIALS, "Credential", "CredentialOperations", "credentials"),
    (GLOBAL_PARAMETERS, "GlobalParameter", "GlobalParameters", "globalParameters"),
    (DATA_FLOWS, "DataFlow", "DataFlows", "dataflows"),
    (INTEGRATION_RUNTIMES, "IntegrationRuntime", "IntegrationRuntimes", "integrationruntimes"),
)


def _factories() -> Iterator[Operation]:
    def operation(
        name: str, method: str, path: str, handler: Handler, verb: str, bucket: Bucket, spec_id: str
    ) -> Operation:
        return Operation(
            name=name,
            method=method,
            path=path,
            handler=handler,
            actions=(f"Microsoft.DataFactory/factories/{verb}",),
            bucket=bucket,
            spec_id=spec_id,
        )

    everywhere, in_group = f"{_PROVIDERS}/factories", f"{_GROUP}/factories"
    yield operation(
        "ListFactories", "GET", everywhere, factories.list_in_subscription, "read", "reads", "Factories_List"
    )
    yield operation(
        "ListFactoriesByResourceGroup",
        "GET",
        in_group,
        factories.list_in_group,
        "read",
        "reads",
        "Factories_ListByResourceGroup",
    )
    yield operation(
        "PutFactory", "PUT", _FACTORY, factories.put, "write", "writes", "Factories_CreateOrUpdate"
    )
    yield operation("PatchFactory", "PATCH", _FACTORY, factories.patch, "write", "writes", "Factories_Update")
    yield operation("GetFactory", "GET", _FACTORY, factories.get, "read", "reads", "Factories_Get")
    yield operation(
        "DeleteFactory", "DELETE", _FACTORY, factories.delete, "delete", "deletes", "Factories_Delete"
    )


def _documents(kind: Kind, name: str, spec_group: str, action: str) -> Iterator[Operation]:
    handlers = ResourceHandlers(kind)
    collection = f"{_FACTORY}/{kind.collection}"
    rows: tuple[tuple[str, str, str, Handler, str, Bucket, str], ...] = (
        (f"List{name}s", "GET", collection, handlers.list_page, "read", "reads", "ListByFactory"),
        (f"Put{name}", "PUT", f"{collection}/{{name}}", handlers.put, "write", "writes", "CreateOrUpdate"),
        (f"Get{name}", "GET", f"{collection}/{{name}}", handlers.get, "read", "reads", "Get"),
        (f"Delete{name}", "DELETE", f"{collection}/{{name}}", handlers.delete, "delete", "deletes", "Delete"),
    )
    for operation, method, path, handler, verb, bucket, spec in rows:
        yield Operation(
            name=operation,
            method=method,
            path=path,
            handler=handler,
            actions=(f"Microsoft.DataFactory/factories/{action}/{verb}",),
            bucket=bucket,
            spec_id=f"{spec_group}_{spec}",
        )


def _action(
    name: str,
    path: str,
    handler: Handler,
    *actions: str,
    bucket: Bucket,
    spec_id: str = "",
    method: str = "POST",
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=f"{_FACTORY}/{path}",
        handler=handler,
        actions=tuple(f"Microsoft.DataFactory/factories/{action}" for action in actions),
        bucket=bucket,
        spec_id=spec_id,
    )


# A query is a POST, so it needs the action that starts it and the read of its result: a read-only role is not enough.
_QUERY_RUNS = ("querypipelineruns/action", "querypipelineruns/read")
_QUERY_ACTIVITIES = ("pipelineruns/queryactivityruns/action", "pipelineruns/queryactivityruns/read")
_QUERY_TRIGGER_RUNS = ("querytriggerruns/action", "querytriggerruns/read")


def _runs() -> Iterator[Operation]:
    yield _action(
        "CreateRun",
        "pipelines/{name}/createRun",
        runs.create,
        "pipelines/createrun/action",
        bucket="writes",
        spec_id="Pipelines_CreateRun",
    )
    yield _action(
        "GetRun",
        "pipelineruns/{run}",
        runs.get,
        "pipelineruns/read",
        bucket="reads",
        spec_id="PipelineRuns_Get",
        method="GET",
    )
    yield _action(
        "QueryPipelineRuns",
        "queryPipelineRuns",
        runs.query,
        *_QUERY_RUNS,
        bucket="reads",
        spec_id="PipelineRuns_QueryByFactory",
    )
    yield _action(
        "QueryActivityRuns",
        "pipelineruns/{run}/queryActivityruns",
        runs.query_activities,
        *_QUERY_ACTIVITIES,
        bucket="reads",
        spec_id="ActivityRuns_QueryByPipelineRun",
    )
    yield _action(
        "CancelRun",
        "pipelineruns/{run}/cancel",
        runs.cancel,
        "pipelineruns/cancel/action",
        bucket="writes",
        spec_id="PipelineRuns_Cancel",
    )


def _legacy() -> Iterator[Operation]:
    """The 2017-09-01-preview forms that old scripts and documents still use."""
    yield _action("QueryPipelineRuns", "pipelineruns", runs.query, *_QUERY_RUNS, bucket="reads")
    yield _action(
        "QueryActivityRuns",
        "pipelineruns/{run}/activityruns",
        legacy.activity_runs,
        "pipelineruns/activityruns/read",
        bucket="reads",
        method="GET",
    )
    yield _action(
        "CancelRun", "cancelpipelinerun/{run}", runs.cancel, "cancelpipelinerun/action", bucket="writes"
    )
    yield _action(
        "QueryTriggerRuns",
        "triggers/{name}/triggerruns",
        legacy.trigger_runs,
        "triggers/triggerruns/read",
        bucket="reads",
        method="GET",
    )


def _triggers() -> Iterator[Operation]:
    yield _action(
        "QueryTriggers",
        "querytriggers",
        triggers.query,
        "querytriggers/action",
        bucket="reads",
        spec_id="Triggers_QueryByFactory",
    )
    yield _action(
        "StartTrigger",
        "triggers/{name}/start",
        triggers.start,
        "triggers/start/action",
        bucket="writes",
        spec_id="Triggers_Start",
    )
    yield _action(
        "StopTrigger",
        "triggers/{name}/stop",
        triggers.stop,
        "triggers/stop/action",
        bucket="writes",
        spec_id="Triggers_Stop",
    )
    yield _action(
        "QueryTriggerRuns",
        "queryTriggerRuns",
        triggers.query_runs,
        *_QUERY_TRIGGER_RUNS,
        bucket="reads",
        spec_id="TriggerRuns_QueryByFactory",
    )
    yield _action(
        "RerunTriggerRun",
        "triggers/{name}/triggerRuns/{run}/rerun",
        triggers.rerun,
        "triggers/triggerruns/rerun/action",
        bucket="writes",
        spec_id="TriggerRuns_Rerun",
    )
    yield _action(
        "CancelTriggerRun",
        "triggers/{name}/triggerRuns/{run}/cancel",
        triggers.cancel_run,
        "triggers/triggerruns/cancel/action",
        bucket="writes",
        spec_id="TriggerRuns_Cancel",
    )


def _v1() -> Iterator[Operation]:
    rows: tuple[tuple[str, str, Handler, str, Bucket], ...] = (
        ("PutV1Factory", "PUT", v1.put, "write", "writes"),
        ("GetV1Factory", "GET", v1.get, "read", "reads"),
        ("DeleteV1Factory", "DELETE", v1.delete, "delete", "deletes"),
        ("ValidateV1Factory", "POST", v1.validate, "validate/action", "writes"),
    )
    for name, method, handler, verb, bucket in rows:
        yield Operation(
            name=name,
            method=method,
            path=f"{_V1}/validate" if method == "POST" else _V1,
            handler=handler,
            actions=(f"Microsoft.DataFactory/datafactories/{verb}",),
            bucket=bucket,
            resource_type="datafactories",
        )


_ON_RESOURCES: tuple[Operation, ...] = (
    # Paths are matched in this order: the most frequent operations come first.
    *_runs(),
    *_factories(),
    *(operation for row in _KINDS for operation in _documents(*row)),
    *_triggers(),
    *_legacy(),
    *_v1(),
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="ListOperations",
        method="GET",
        path="/providers/Microsoft.DataFactory/operations",
        handler=catalogue.listing(action for operation in _ON_RESOURCES for action in operation.actions),
        actions=(),
        bucket="reads",
        spec_id="Operations_List",
        resource_type="operations",
    ),
    *_ON_RESOURCES,
    *ARM_OPERATIONS,
)

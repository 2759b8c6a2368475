"""The operations of Azure Resource Manager itself, around those of Data Factory."""

from adf_trigger.emulator.arm.api_versions import ResourceType
from adf_trigger.emulator.arm.operations import Handler, Operation
from adf_trigger.emulator.arm.throttling import Bucket
from adf_trigger.emulator.handlers import groups, subscriptions

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = f"{_SUBSCRIPTION}/resourceGroups"
_GROUP = f"{_GROUPS}/{{name}}"
_READ_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"
_WRITE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/write"


def _operation(
    name: str,
    method: str,
    path: str,
    handler: Handler,
    *actions: str,
    bucket: Bucket = "reads",
    resource_type: ResourceType = "resources",
    public: bool = False,
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=path,
        handler=handler,
        actions=actions,
        bucket=bucket,
        resource_type=resource_type,
        public=public,
    )


ARM_OPERATIONS: tuple[Operation, ...] = (
    _operation(
        "GetMetadata",
        "GET",
        "/metadata/endpoints",
        subscriptions.metadata,
        resource_type="metadata",
        public=True,
    ),
    _operation("ListTenants", "GET", "/tenants", subscriptions.tenants),
    _operation("ListSubscriptions", "GET", "/subscriptions", subscriptions.list_subscriptions),
    _operation(
        "GetSubscription",
        "GET",
        _SUBSCRIPTION,
        subscriptions.get_subscription,
        "Microsoft.Resources/subscriptions/read",
    ),
    _operation(
        "ListLocations",
        "GET",
        f"{_SUBSCRIPTION}/locations",
        subscriptions.locations,
        "Microsoft.Resources/subscriptions/locations/read",
    ),
    _operation("ListResourceGroups", "GET", _GROUPS, groups.list_page, _READ_GROUP),
    # Before GET, which would match HEAD, too.
    _operation("CheckResourceGroup", "HEAD", _GROUP, groups.check, _READ_GROUP),
    _operation("GetResourceGroup", "GET", _GROUP, groups.get, _READ_GROUP),
    _operation("PutResourceGroup", "PUT", _GROUP, groups.put, _WRITE_GROUP, bucket="writes"),
    _operation("PatchResourceGroup", "PATCH", _GROUP, groups.patch, _WRITE_GROUP, bucket="writes"),
    _operation(
        "DeleteResourceGroup",
        "DELETE",
        _GROUP,
        groups.delete,
        "Microsoft.Resources/subscriptions/resourceGroups/delete",
        bucket="deletes",
    ),
    _operation(
        "GetOperationResult",
        "GET",
        f"{_SUBSCRIPTION}/operationresults/{{operation}}",
        groups.operation_result,
        "Microsoft.Resources/subscriptions/operationresults/read",
    ),
    _operation(
        "ListResources",
        "GET",
        f"{_SUBSCRIPTION}/resources",
        groups.list_resources,
        "Microsoft.Resources/subscriptions/resources/read",
    ),
    _operation(
        "ListResourcesOfGroup",
        "GET",
        f"{_GROUPS}/{{group}}/resources",
        groups.list_resources,
        "Microsoft.Resources/subscriptions/resourcegroups/resources/read",
    ),
    _operation("ListProviders", "GET", "/providers", subscriptions.list_providers),
    _operation("GetProvider", "GET", "/providers/{namespace}", subscriptions.get_provider),
    _operation(
        "ListSubscriptionProviders",
        "GET",
        f"{_SUBSCRIPTION}/providers",
        subscriptions.list_providers,
        "Microsoft.Resources/subscriptions/providers/read",
    ),
    _operation(
        "GetSubscriptionProvider",
        "GET",
        f"{_SUBSCRIPTION}/providers/{{namespace}}",
        subscriptions.get_provider,
        "Microsoft.Resources/subscriptions/providers/read",
    ),
    _operation(
        "RegisterProvider",
        "POST",
        f"{_SUBSCRIPTION}/providers/{{namespace}}/register",
        subscriptions.get_provider,
        "Microsoft.DataFactory/register/action",
        bucket="writes",
    ),
)

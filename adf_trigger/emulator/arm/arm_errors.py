"""The errors with which Azure Resource Manager rejects a request before Data Factory sees it."""

import re
from collections.abc import Sequence
from datetime import datetime

from adf_trigger.emulator.common.errors import ServiceError


class ResourceManagerError(ServiceError):
    """Azure Resource Manager rejected it before Data Factory saw the request."""


class MissingApiVersion(ResourceManagerError):
    """No api-version in the query."""

    code = "MissingApiVersionParameter"

    def __init__(self) -> None:
        super().__init__("The api-version query parameter (?api-version=) is required for all requests.")


class InvalidApiVersion(ResourceManagerError):
    """The api-version is not a date, or not one of the provider's."""

    code = "InvalidApiVersionParameter"

    def __init__(self, version: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"The api-version '{version}' is invalid. The supported versions are '{','.join(supported)}'."
        )


class NoRegisteredProvider(ResourceManagerError):
    """The api-version is one of the provider's, but not for this resource type."""

    code = "NoRegisteredProviderFound"

    def __init__(self, version: str, resource_type: str, location: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"No registered resource provider found for location '{location}' and API version '{version}' for "
            f"type '{resource_type}'. The supported api-versions are '{', '.join(supported)}'."
        )


class InvalidResourceType(ResourceManagerError):
    """The provider has no such type in this api-version."""

    code = "InvalidResourceType"

    def __init__(self, version: str, namespace: str = "Microsoft.DataFactory") -> None:
        super().__init__(
            f"The resource type could not be found in the namespace '{namespace}' for api version '{version}'."
        )


class InvalidResourceNamespace(ResourceManagerError):
    """There is no such provider."""

    code = "InvalidResourceNamespace"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The resource namespace '{namespace}' is invalid.")


class MissingSubscription(ResourceManagerError):
    """The path is neither a subscription's nor a provider's."""

    code = "MissingSubscription"

    def __init__(self) -> None:
        super().__init__("The request did not have a subscription or a valid tenant level resource provider.")


_NAMESPACE = re.compile(r"/providers/([^/]+)")


def unknown_path(path: str, version: str) -> ResourceManagerError:
    """The error for a path without an operation, as the provider in the path reports it."""
    namespaces = _NAMESPACE.findall(path)
    if namespaces and namespaces[-1].lower() == "microsoft.datafactory":
        return InvalidResourceType(version)
    if namespaces and namespaces[-1].lower() != "microsoft.resources":
        return InvalidResourceNamespace(namespaces[-1])
    if namespaces or path.lower().startswith("/subscriptions/"):
        return InvalidResourceType(version, "Microsoft.Resources")
    return MissingSubscription()


class MalformedJson(ResourceManagerError):
    """The body is not JSON."""

    code = "BadRequest"

    def __init__(self, why: str) -> None:
        super().__init__(f"The request content was invalid and could not be deserialized: '{why}'.")


class InvalidRequestContent(ResourceManagerError):
    """The body is JSON, but not what the operation expects."""

    code = "InvalidRequestContent"


class InvalidFilter(ResourceManagerError):
    """The $filter is not supported."""

    code = "InvalidFilterInQueryString"

    def __init__(self, text: str) -> None:
        super().__init__(f"Invalid $filter '{text}' specified in the query string.")


class RequestTooLarge(ResourceManagerError):
    """The body is larger than the request pipeline accepts."""

    code = "RequestEntityTooLarge"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request content size exceeds the maximum size of {limit} bytes.")


class MethodNotAllowed(ResourceManagerError):
    """The path exists, but not with this method."""

    code = "MethodNotAllowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            f"The requested resource does not support http method '{method}'.", headers={"Allow": allowed}
        )


class _Unauthenticated(ResourceManagerError):
    def __init__(self, message: str, challenge: str) -> None:
        super().__init__(message, headers={"WWW-Authenticate": challenge})


class AuthenticationFailed(_Unauthenticated):
    """There is no Authorization header."""

    code = "AuthenticationFailed"


class InvalidAuthorizationHeader(_Unauthenticated):
    """The Authorization header is not a bearer token."""

    code = "AuthenticationFailedInvalidHeader"


class InvalidToken(_Unauthenticated):
    """The token is malformed, wrongly signed or for another audience."""

    code = "InvalidAuthenticationToken"


class InvalidTokenTenant(_Unauthenticated):
    """The token comes from a tenant that the subscription does not trust."""

    code = "InvalidAuthenticationTokenTenant"


class ExpiredToken(_Unauthenticated):
    """The token has expired."""

    code = "ExpiredAuthenticationToken"


class AuthorizationFailed(ResourceManagerError):
    """The caller is known, but has no role for the action."""

    code = "AuthorizationFailed"

    def __init__(self, client: str, object_id: str, action: str, scope: str) -> None:
        super().__init__(
            f"The client '{client}' with object id '{object_id}' does not have authorization to perform action "
            f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
            "refresh your credentials."
        )


class RequestsThrottled(ResourceManagerError):
    """The token bucket is empty.

    Args:
        operation: `read`, `write` or `delete`.
        retry_after: whole seconds until the bucket has tokens again.
    """

    code = "SubscriptionRequestsThrottled"

    def __init__(self, operation: str, subscription: str, actor: str, retry_after: int) -> None:
        super().__init__(
            f"Number of '{operation}' requests for subscription '{subscription}' actor '{actor}' exceeded. Please "
            f"try again after '{retry_after}' seconds after additional tokens are available. Refer to "
            "https://aka.ms/arm-throttling for additional information.",
            headers={"Retry-After": str(retry_after)},
        )


class SubscriptionNotFound(ResourceManagerError):
    """No such subscription."""

    code = "SubscriptionNotFound"

    def __init__(self, subscription: str) -> None:
        super().__init__(f"The subscription '{subscription}' could not be found.")


class ResourceGroupNotFound(ResourceManagerError):
    """No such resource group."""

    code = "ResourceGroupNotFound"

    def __init__(self, resource_group: str) -> None:
        super().__init__(f"Resource group '{resource_group}' could not be found.")


class ResourceNotFound(ResourceManagerError):
    """The factory does not exist: any call on or below it ends here."""

    code = "ResourceNotFound"

    def __init__(self, resource: str, resource_group: str) -> None:
        super().__init__(
            f"The Resource '{resource}' under resource group '{resource_group}' was not found. For more details "
            "please go to https://aka.ms/ARMResourceNotFoundFix"
        )


class InvalidResourceGroup(ResourceManagerError):
    """The name is not valid for a resource group."""

    code = "InvalidResourceGroup"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The provided resource group name '{name}' is not valid. It has 1 to 90 characters: letters, digits, "
            "'-', '_', '.', '(', ')', and does not end with '.'."
        )


class InvalidResourceGroupLocation(ResourceManagerError):
    """A resource group cannot move."""

    code = "InvalidResourceGroupLocation"

    def __init__(self, wanted: str, present: str) -> None:
        super().__init__(
            f"Invalid resource group location '{wanted}'. The Resource group already exists in location '{present}'."
        )


class LocationNotAvailableForGroup(ResourceManagerError):
    """There is no such region."""

    code = "LocationNotAvailableForResourceGroup"

    def __init__(self, location: str, regions: Sequence[str]) -> None:
        super().__init__(
            f"The provided location '{location}' is not available for resource group. List of available regions is "
            f"'{','.join(regions)}'."
        )


class LocationNotAvailable(ResourceManagerError):
    """There is no such region, or the resource type is not in it."""

    code = "LocationNotAvailableForResourceType"

    def __init__(self, location: str, resource_type: str, regions: Sequence[str]) -> None:
        super().__init__(
            f"The provided location '{location}' is not available for resource type '{resource_type}'. List of "
            f"available regions for the resource type is '{','.join(regions)}'."
        )


class InvalidTop(ResourceManagerError):
    """The page size is not 1 to 1,000, the range that the list of resources reports (azure-sdk-for-js #18535)."""

    code = "InvalidTopInQueryString"

    def __init__(self, top: str) -> None:
        super().__init__(
            f"The value '{top}' of the query parameter '$top' is not a whole number from 1 to 1000."
        )


class OperationNotFound(ResourceManagerError):
    """No such asynchronous operation."""

    code = "NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The operation '{name}' could not be found.")


class LocationRequired(ResourceManagerError):
    """A new resource without a location."""

    code = "LocationRequired"

    def __init__(self) -> None:
        super().__init__("The location property is required for this definition.")


class InvalidResourceLocation(ResourceManagerError):
    """A resource cannot move."""

    code = "InvalidResourceLocation"

    def __init__(self, name: str, resource_group: str, present: str, wanted: str) -> None:
        super().__init__(
            f"The resource '{name}' already exists in location '{present}' in resource group '{resource_group}'. A "
            f"resource with the same name cannot be created in location '{wanted}'. Please select a new resource "
            "name."
        )


def wall_clock(instant: datetime) -> str:
    """A time as ARM's token errors write it: `8/21/2018 3:22:00 PM`."""
    return f"{instant.month}/{instant.day}/{instant.year} {instant:%I:%M:%S %p}".replace(" 0", " ", 1)

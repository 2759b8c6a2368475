"""An operation of the management API: its route, the rights that it requires, and its handler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adf_trigger.emulator.arm.api_versions import ResourceType
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.throttling import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that the request pipeline has accepted.

    Attributes:
        path: the template's parameters, percent-decoded, in the caller's case.
        query: names in lower case.
        headers: names in lower case.
        body: decoded JSON; None if there was none.
        base_url: scheme and authority that the caller used, without a trailing slash.
        raw_path: path as sent, for links to further pages.
        has_role: whether the caller has any role.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base_url: str
    raw_path: str
    has_role: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful reply; it has no body if `body` is None."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Backend, Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation.

    Attributes:
        name: as in fault rules and in the request log.
        spec_id: operationId in the OpenAPI description; empty if it is not there.
        method: HTTP method.
        path: template; segments are matched case-insensitively.
        actions: RBAC actions, all of which the caller's roles must allow.
        bucket: which of ARM's token buckets it draws on.
        resource_type: whose api-versions apply.
        public: whether it needs no token.
    """

    name: str
    method: str
    path: str
    handler: Handler
    actions: tuple[str, ...]
    bucket: Bucket
    spec_id: str = ""
    resource_type: ResourceType = "factories"
    public: bool = False

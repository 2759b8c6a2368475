"""The setting that routes events to further consumers in addition to the reader of the events queue."""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PrivateAttr, model_validator
from pydantic.alias_generators import to_camel

from adf_trigger.azure.public_addresses import UnsafeAddress, checked_address
from adf_trigger.contracts import RunStatus
from adf_trigger.settings.documents import named_document
from adf_trigger.settings.faults import unresolved

ROUTES = "ADF_TRIGGER_ROUTES"
MOST_ROUTES = 20
LAST_STATUSES = frozenset(
    {
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
        RunStatus.REJECTED,
        RunStatus.UNKNOWN,
    }
)

OVERDUE = "Overdue"
"""The pseudo-status of a run that is active for longer than allowed: no run ends with it."""

WORDS = LAST_STATUSES | {OVERDUE}
"""The statuses that a route may filter by."""

_SECRET = "whsec_"  # noqa: S105 - what a secret begins with, by Standard Webhooks
_SECRET_BYTES = range(24, 65)
_NAMES = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_QUEUE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class _Part(BaseModel):
    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )


class Webhook(_Part):
    """A webhook, by the names of the app settings that hold its address and key.

    Attributes:
        url: name of the app setting with its address.
        secret: name of the app setting with the key that signs its messages.
    """

    url: str = Field(pattern=_NAMES)
    secret: str = Field(pattern=_NAMES)


_LEADS_SOMEWHERE: dict[str, JsonValue] = {
    "oneOf": [
        {"properties": {"queue": {"type": "string"}}, "required": ["queue"]},
        {"properties": {"webhook": {"type": "object"}}, "required": ["webhook"]},
    ]
}
"""The rule of `_leads_somewhere` about the two as JSON Schema."""


class Route(_Part):
    """A route: which events go where; a filter that is not set matches all.

    Attributes:
        queue: name of a queue of the same storage account.
        webhook: a webhook; a route has either a queue or a webhook.
        pipelines: names of pipelines, in any case.
        statuses: final statuses of runs, or Overdue.
        callers: callers, as `requestedBy` shows them.
    """

    model_config = ConfigDict(json_schema_extra=_LEADS_SOMEWHERE)

    queue: str | None = Field(
        default=None, min_length=3, max_length=63, json_schema_extra={"pattern": f"^{_QUEUE.pattern}$"}
    )
    webhook: Webhook | None = None
    pipelines: tuple[str, ...] = Field(default=(), max_length=500)
    statuses: tuple[Annotated[str, Field(json_schema_extra={"enum": sorted(WORDS)})], ...] = ()
    callers: tuple[str, ...] = Field(default=(), max_length=500)

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.queue is None) == (self.webhook is None):
            raise ValueError("needs a queue or a webhook, and not both")
        if self.queue is not None and not _QUEUE.fullmatch(self.queue):
            raise ValueError(
                "the queue's name may have only lower-case letters, digits, and single hyphens between them"
            )
        if not WORDS.issuperset(self.statuses):
            raise ValueError(f"statuses must be among {', '.join(sorted(WORDS))}")
        return self

    def wants(self, pipeline: str, status: str, caller: str | None) -> bool:
        """Whether an event of such a run takes this route; for an overdue run the status is Overdue."""
        named = {each.lower() for each in self.pipelines}
        return (
            (not named or pipeline.lower() in named)
            and (not self.statuses or status in self.statuses)
            and (not self.callers or caller in self.callers)
        )


RoutesByName = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")], Route],
    Field(max_length=MOST_ROUTES),
    BeforeValidator(named_document),
]
"""Routes by name."""


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A webhook's address and key, read from the app settings.

    Attributes:
        url: its address, checked.
        key: signs its messages; never shown.
    """

    url: str = field(repr=False)
    key: bytes = field(repr=False)


def queue_faults(routes: Mapping[str, Route], taken: Mapping[str, Collection[str]]) -> list[str]:
    """The faults of the queues of routes, in sentences.

    Args:
        routes: by name.
        taken: setting → queues that have another purpose.
    """
    return [
        f"{ROUTES}.{name}: must not be a queue of {setting}"
        for name, route in routes.items()
        for setting, queues in taken.items()
        if route.queue in queues
    ]


def targets_of(
    routes: Mapping[str, Route], source: Mapping[str, str], *, loopback: bool
) -> tuple[Mapping[str, WebhookTarget], Sequence[str]]:
    """The webhooks of routes, and the faults of the app settings that hold them, which never show a value.

    Args:
        routes: by name.
        source: the environment.
        loopback: whether addresses of this machine are allowed, too.
    """
    targets: dict[str, WebhookTarget] = {}
    faults: list[str] = []
    for name, route in routes.items():
        if route.webhook is None:
            continue
        of = f"{ROUTES}.{name}: the app setting"
        given = {each: source.get(each, "").strip() for each in (route.webhook.url, route.webhook.secret)}
        wrong = [f"{of} {each} is not set" for each, value in given.items() if not value]
        wrong += (
            f"{of} {each} is a reference that has not been resolved"
            for each in unresolved(given, given.keys())
        )
        if not wrong:
            url, key = given[route.webhook.url], _key(given[route.webhook.secret])
            try:
                checked_address(url, loopback=loopback)
            except UnsafeAddress as exc:
                wrong.append(f"{of} {route.webhook.url} {exc}")
            if key is None:
                wrong.append(f"{of} {route.webhook.secret} must be whsec_ and the base64 of 24 to 64 bytes")
            else:
                targets[name] = WebhookTarget(url, key)
        faults += wrong
    return targets, list(dict.fromkeys(faults))


def names_in(routes: Mapping[str, Route]) -> set[str]:
    """The app settings that routes name."""
    named = [route.webhook for route in routes.values() if route.webhook is not None]
    return {each.url for each in named} | {each.secret for each in named}


def _key(secret: str) -> bytes | None:
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if secret.startswith(_SECRET) and len(key) in _SECRET_BYTES else None


class RouteSettings(BaseModel):
    """The settings of routes."""

    model_config = ConfigDict(defer_build=True)

    routes: RoutesByName = Field(
        default_factory=dict,
        alias="ADF_TRIGGER_ROUTES",
        description="JSON object name → {queue or webhook, pipelines, statuses, callers}: where else events go.",
    )
    webhooks_to_loopback: bool = Field(
        default=False,
        alias="ADF_TRIGGER_WEBHOOKS_TO_LOOPBACK",
        description="Whether webhooks and callbacks may call this machine, in plain http and on any port: for tests.",
    )

    _webhooks: Mapping[str, WebhookTarget] = PrivateAttr(default_factory=dict)

    @property
    def webhooks(self) -> Mapping[str, WebhookTarget]:
        """The webhooks of routes, by the routes' names."""
        return self._webhooks

    def _referenced_names(self) -> set[str]:
        return names_in(self.routes)

    def _read_referenced(self, source: Mapping[str, str]) -> Sequence[str]:
        self._webhooks, faults = targets_of(self.routes, source, loopback=self.webhooks_to_loopback)
        return faults

"""The model of the settings, and how it is read from the environment.

All are read together, every fault is reported, an empty value counts as unset, and secrets are masked in `repr`.
Each field names the variable it comes from as its alias; a test compares the README's table with this model.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from adf_trigger.azure.clouds import checked_endpoint
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.errors import SettingsError
from adf_trigger.settings.callbacks import CallbackSettings
from adf_trigger.settings.factories import (
    FactoriesByAlias,
    MovedFactories,
    faults_between,
    require_distinct,
)
from adf_trigger.settings.faults import (
    PREFIX,
    name_of,
    sentences,
    together,
    unknown_names,
    unresolved,
)
from adf_trigger.settings.policy import PipelinePolicy, PoliciesByName
from adf_trigger.settings.public_url import checked_base_url
from adf_trigger.settings.routes import RouteSettings, queue_faults
from adf_trigger.settings.schedule import Schedule
from adf_trigger.settings.times import Seconds, TimeSettings
from adf_trigger.settings.triggers import Triggers, faults_of_factories

_QUEUE_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TABLE_NAME = r"^[A-Za-z][A-Za-z0-9]{2,62}$"
POISON_SUFFIX = "-poison"
REQUESTS_QUEUE = "ADF_TRIGGER_REQUESTS_QUEUE"

QueueName = Annotated[str, Field(pattern=_QUEUE_NAME, min_length=3, max_length=56)]
"""A queue's name, with room for the host's `-poison` in the 63 characters that storage allows."""


class CommonSettings(TimeSettings):
    """The settings that tools need, too, which call no factory. Times are in seconds unless the name says otherwise."""

    credential: CredentialKind = Field(
        default=CredentialKind.MANAGED_IDENTITY,
        alias="ADF_TRIGGER_CREDENTIAL",
        description="How the service signs in: managed-identity, service-principal, workload-identity, azure-cli.",
    )
    cloud: Literal["public", "us-government", "china"] = Field(
        default="public", alias="ADF_TRIGGER_CLOUD", description="Which Azure: public, us-government, china."
    )
    management_endpoint: str | None = Field(
        default=None,
        alias="ADF_TRIGGER_MANAGEMENT_ENDPOINT",
        description="Overrides the cloud's management endpoint; plain http for loopback addresses only.",
    )
    ca_file: str | None = Field(
        default=None,
        alias="ADF_TRIGGER_CA_FILE",
        description="PEM file of a certificate authority to trust, for private endpoints and the local stack.",
    )
    poll_schedule: str = Field(
        default="*/15 * * * * *",
        alias="ADF_TRIGGER_POLL_SCHEDULE",
        description="When the timer runs: six NCRONTAB fields, seconds first, UTC.",
    )
    requests_queue: QueueName = Field(
        default="adf-run-requests",
        alias="ADF_TRIGGER_REQUESTS_QUEUE",
        description="Where requests are read from.",
    )
    rejected_queue: QueueName = Field(
        default="adf-run-requests-rejected",
        alias="ADF_TRIGGER_REJECTED_QUEUE",
        description="Queue for copies of rejected messages, with their reason.",
    )
    events_queue: QueueName = Field(
        default="adf-run-events",
        alias="ADF_TRIGGER_EVENTS_QUEUE",
        description="Where completion events are written.",
    )
    event_encoding: Literal["base64", "none"] = Field(
        default="base64",
        alias="ADF_TRIGGER_EVENT_ENCODING",
        description="How event messages are encoded; Functions consumers expect base64.",
    )
    table: Annotated[str, Field(pattern=_TABLE_NAME)] = Field(
        default="adfruns", alias="ADF_TRIGGER_TABLE", description="The table of the run ledger."
    )
    policy: PoliciesByName = Field(
        default_factory=dict,
        alias="ADF_TRIGGER_POLICY",
        description="JSON object pipeline name (or *) → {unknownOutcome, correlationParameter, details, "
        "overdueAfterSeconds, cancelWhenOverdue, observe, admission}.",
    )
    tick_calls: int = Field(
        default=2_000,
        gt=0,
        le=10_000,
        alias="ADF_TRIGGER_TICK_CALLS",
        description="Maximum Data Factory calls of a tick, or of a drain of a backlog, for one factory, if ARM allows.",
    )
    retention_days: int = Field(
        default=90,
        ge=8,
        le=36_500,
        alias="ADF_TRIGGER_RETENTION_DAYS",
        description="Days for which published records, and with them their idempotency keys, are kept.",
    )
    max_body_bytes: int = Field(
        default=65_536,
        gt=0,
        le=262_144,
        alias="ADF_TRIGGER_MAX_BODY_BYTES",
        description="Largest request body that is read, in bytes.",
    )

    require_idempotency_key: bool = Field(
        default=False,
        alias="ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY",
        description="Whether each request over HTTP needs its own key; a message without one is identified by its id.",
    )
    public_base_url: str | None = Field(
        default=None,
        alias="ADF_TRIGGER_PUBLIC_BASE_URL",
        description="URL at which callers reach this app's `/api`, the prefix of links; without it they are relative.",
    )

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the environment, one sentence each. They name variables and show no value."""
        return self._warnings

    @property
    def requests_queue_is_set(self) -> bool:
        """Whether the requests queue is set, so that the platform can resolve its name."""
        return "requests_queue" in self.model_fields_set

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from a mapping, by default the process environment.

        Raises:
            SettingsError: with one sentence for each setting at fault; never with a value of one.
        """
        source = os.environ if environ is None else environ
        known = known_names()
        values = {name: value for name, value in source.items() if name in known and value.strip()}
        faults = {name: [fault] for name, fault in unresolved(values, known).items()}
        usable = {name: value for name, value in values.items() if name not in faults}
        try:
            settings = cls.model_validate(usable, by_alias=True, by_name=False)
            settings._warnings = tuple(unknown_names(source, known | settings._referenced_names()))  # noqa: SLF001 - its own class
            for fault in settings._read_referenced(source):  # noqa: SLF001 - its own class
                faults.setdefault(name_of(fault), []).append(fault)
        except ValidationError as exc:
            # An unresolved reference counts as a value: its one fault is named, not that it is missing.
            faults = {**sentences(exc, values), **faults}
            faults = {**_faults_between(usable, faults), **faults}
        else:
            if not faults:
                return settings
        raise SettingsError(
            [fault for each in faults.values() for fault in each], unknown_names(source, known)
        )

    @classmethod
    def salvaged(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The usable part of faulty settings: each that is faulty by itself has its default.

        Raises:
            SettingsError: the rest is not usable, either.
        """
        source = os.environ if environ is None else environ
        try:
            return cls.from_env(source)
        except SettingsError as exc:
            at_fault = {name_of(fault) for fault in exc.faults}
        return cls.from_env({name: value for name, value in source.items() if name not in at_fault})

    @field_validator("management_endpoint")
    @classmethod
    def _loopback_if_plain(cls, value: str | None) -> str | None:
        return None if value is None else checked_endpoint(value)

    @field_validator("public_base_url")
    @classmethod
    def _valid_base_url(cls, value: str | None) -> str | None:
        return None if value is None else checked_base_url(value)

    @field_validator("poll_schedule")
    @classmethod
    def _valid_schedule(cls, value: str) -> str:
        return Schedule(value).expression

    @field_validator("policy")
    @classmethod
    def _one_policy_each(cls, value: dict[str, PipelinePolicy]) -> dict[str, PipelinePolicy]:
        require_distinct(
            {name: name.lower() for name in value}, "name one pipeline: names compare without case"
        )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [
            *self._storage_faults(),
            *self._queue_faults(),
            *self._credential_faults(),
            *self._time_faults(),
            *self._factory_faults(),
        ]
        if faults:
            raise together(faults)
        return self

    def _factory_faults(self) -> list[str]:
        return []  # a tool knows no factory

    def _referenced_names(self) -> set[str]:
        """Variables that settings name."""
        return set()

    def _read_referenced(self, source: Mapping[str, str]) -> Sequence[str]:
        """Read the variables that settings name; returns their faults, under the settings' own names."""
        del source
        return []

    def _queue_faults(self) -> list[str]:
        read = {self.requests_queue, self.requests_queue + POISON_SUFFIX}
        written = {
            "ADF_TRIGGER_REJECTED_QUEUE": self.rejected_queue,
            "ADF_TRIGGER_EVENTS_QUEUE": self.events_queue,
        }
        return [
            f"{name}: must not be the queue that requests are read from, or its poison queue"
            for name, queue in written.items()
            if queue in read
        ]

    def _storage_faults(self) -> list[str]:
        by_uri = self.storage_queue_uri and self.storage_table_uri
        if self.storage_connection_string or self.storage_account_name or by_uri:
            return []
        return [
            (
                "AzureWebJobsStorage: no storage is configured: set it, or AzureWebJobsStorage__accountName, "
                "or AzureWebJobsStorage__queueServiceUri and AzureWebJobsStorage__tableServiceUri"
            )
        ]

    def _credential_faults(self) -> list[str]:
        if self.credential is not CredentialKind.SERVICE_PRINCIPAL:
            return []
        faults = [
            f"{name}: needed by ADF_TRIGGER_CREDENTIAL=service-principal"
            for name, value in (("AZURE_TENANT_ID", self.tenant_id), ("AZURE_CLIENT_ID", self.client_id))
            if value is None
        ]
        if self.client_secret is None and self.client_certificate_path is None:
            faults.append(
                "AZURE_CLIENT_SECRET: ADF_TRIGGER_CREDENTIAL=service-principal needs it, or "
                "AZURE_CLIENT_CERTIFICATE_PATH"
            )
        return faults


class Settings(CallbackSettings, RouteSettings, CommonSettings):
    """Everything that can be set, with its default."""

    factories: FactoriesByAlias = Field(
        alias="ADF_TRIGGER_FACTORIES",
        description="One factory's resource id, or a JSON object alias → resource id.",
    )
    moved_factories: MovedFactories = Field(
        default_factory=dict,
        alias="ADF_TRIGGER_MOVED_FACTORIES",
        description="JSON object former resource id → alias: records kept under that id continue at the factory there.",
    )
    unconfigured_deadline: Seconds = Field(
        default=86_400,
        alias="ADF_TRIGGER_UNCONFIGURED_DEADLINE_SECONDS",
        description="How long unfinished requests wait for a factory that was removed from the settings to return.",
    )
    triggers: Triggers = Field(
        default_factory=tuple,
        alias="ADF_TRIGGER_TRIGGERS",
        description="JSON array of Data Factory's own event triggers: which events start which pipelines.",
    )

    def _factory_faults(self) -> list[str]:
        taken = {
            REQUESTS_QUEUE: {self.requests_queue, self.requests_queue + POISON_SUFFIX},
            "ADF_TRIGGER_REJECTED_QUEUE": {self.rejected_queue},
            "ADF_TRIGGER_EVENTS_QUEUE": {self.events_queue},
        }
        return [
            *faults_between(self.factories, self.moved_factories),
            *faults_of_factories(self.triggers, self.factories),
            *queue_faults(self.routes, taken),
        ]


def nothing_is_set(environ: Mapping[str, str] | None = None) -> bool:
    """Whether none of our own settings is set, as in an instance that is warmed up before an app is assigned to it."""
    return not any(name.startswith(PREFIX) for name in (os.environ if environ is None else environ))


def known_names() -> frozenset[str]:
    """The variables that the app or a tool of it reads."""
    return frozenset(field.alias for field in Settings.model_fields.values() if field.alias)


def _faults_between(values: Mapping[str, str], faults: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The faults between settings that have none of their own."""
    try:
        CommonSettings.model_validate(
            {name: value for name, value in values.items() if name not in faults},
            by_alias=True,
            by_name=False,
        )
    except ValidationError as exc:
        return sentences(exc, values)
    return {}

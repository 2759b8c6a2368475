"""The settings: the only reader of the environment.

All of them are read at once, every fault is reported together, an empty value counts as unset, and secrets are
masked in `repr`. Each field names the variable it comes from as its alias; the README's table is held against
this model by a test.
"""

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from adf_trigger.datafactory.clouds import checked_endpoint
from adf_trigger.datafactory.resource_ids import FactoryId
from adf_trigger.errors import SettingsError

_QUEUE_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TABLE_NAME = r"^[A-Za-z][A-Za-z0-9]{2,62}$"
DEFAULT_ALIAS = "default"
ANY_PIPELINE = "*"
"""The name under which a policy holds for every pipeline that has none of its own."""
POISON_SUFFIX = "-poison"


class CredentialKind(StrEnum):
    """How the service proves who it is to Azure: said outright, never guessed."""

    MANAGED_IDENTITY = "managed-identity"
    SERVICE_PRINCIPAL = "service-principal"
    WORKLOAD_IDENTITY = "workload-identity"
    AZURE_CLI = "azure-cli"


class UnknownOutcomePolicy(StrEnum):
    """What to do about a createRun whose answer was lost and whose run is not found after the grace period."""

    RECONCILE = "reconcile"
    """Send again where that cannot double the run; look for it otherwise; park it where nothing can tell."""
    RESUBMIT = "resubmit"
    """Send again, always: started at least once, perhaps twice."""
    PARK = "park"
    """Never send again: started at most once, perhaps never; a person decides."""


class PipelinePolicy(BaseModel):
    """The policy of a pipeline.

    Attributes:
        unknown_outcome: see UnknownOutcomePolicy.
        correlation_parameter: a parameter that the pipeline declares for us: it is set to the requestId, so that
            a run whose id was lost can be told from others.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True)

    unknown_outcome: UnknownOutcomePolicy = UnknownOutcomePolicy.RECONCILE
    correlation_parameter: str | None = Field(default=None, min_length=1, max_length=260)


def _factories(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith("{"):
        return {DEFAULT_ALIAS: text}
    return _json_object(text)


def _json_object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as exc:
        raise ValueError(f"not JSON: {exc}") from exc


def _factory_id(value: Any) -> Any:
    return FactoryId.parse(value) if isinstance(value, str) else value


QueueName = Annotated[str, Field(pattern=_QUEUE_NAME, min_length=3, max_length=56)]
"""A queue's name, with room for the host's `-poison` in the 63 characters that storage allows."""
Seconds = Annotated[float, Field(gt=0)]


class CommonSettings(BaseModel):
    """What a tool needs too that touches no factory. Times are in seconds unless the name says otherwise."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

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
        description="PEM file of a certificate authority to trust, for private endpoints and the laptop.",
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
        description="Where messages go that can never work, with their reason.",
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
    policy: Annotated[dict[str, PipelinePolicy], BeforeValidator(_json_object)] = Field(
        default_factory=dict,
        alias="ADF_TRIGGER_POLICY",
        description="JSON object pipeline name (or *) → {unknownOutcome, correlationParameter}.",
    )
    reconcile_grace: Seconds = Field(
        default=60,
        alias="ADF_TRIGGER_RECONCILE_GRACE_SECONDS",
        description="How long a createRun without an answer may stay unseen before more is done about it.",
    )
    lease: Seconds = Field(
        default=90,
        alias="ADF_TRIGGER_LEASE_SECONDS",
        description="How long one sender has a request to itself; longer than both HTTP time-outs together.",
    )
    start_deadline: Seconds = Field(
        default=86_400,
        alias="ADF_TRIGGER_START_DEADLINE_SECONDS",
        description="How long an accepted request may wait for throttling or an outage to pass.",
    )
    tick_calls: int = Field(
        default=60,
        gt=0,
        alias="ADF_TRIGGER_TICK_CALLS",
        description="Data Factory calls that one tick may spend on one factory.",
    )
    poll_overlap: Seconds = Field(
        default=300,
        alias="ADF_TRIGGER_POLL_OVERLAP_SECONDS",
        description="How far each poll looks back behind the last one, since lists lag.",
    )
    stale_after: Seconds = Field(
        default=300,
        alias="ADF_TRIGGER_STALE_AFTER_SECONDS",
        description="An active run that no list has shown for so long is asked for by its id.",
    )
    definition_cache: float = Field(
        default=60,
        ge=0,
        alias="ADF_TRIGGER_DEFINITION_CACHE_SECONDS",
        description="How long a pipeline's declared parameters are remembered.",
    )
    connect_timeout: Seconds = Field(
        default=5, alias="ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS", description="Time to connect, of every call."
    )
    read_timeout: Seconds = Field(
        default=30,
        alias="ADF_TRIGGER_READ_TIMEOUT_SECONDS",
        description="Time to the next byte, of every call.",
    )
    retention_days: int = Field(
        default=90,
        ge=8,
        alias="ADF_TRIGGER_RETENTION_DAYS",
        description="Days that told records, and so their idempotency keys, are kept.",
    )
    max_body_bytes: int = Field(
        default=65_536,
        gt=0,
        le=262_144,
        alias="ADF_TRIGGER_MAX_BODY_BYTES",
        description="Largest request body that is read, in bytes.",
    )

    storage_connection_string: SecretStr | None = Field(
        default=None, alias="AzureWebJobsStorage", description="Storage by connection string (laptop, tests)."
    )
    storage_account_name: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__accountName",
        description="Storage by identity: the account.",
    )
    storage_queue_uri: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__queueServiceUri",
        description="Storage by identity: its queues.",
    )
    storage_table_uri: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__tableServiceUri",
        description="Storage by identity: its tables.",
    )
    storage_client_id: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__clientId",
        description="Storage by identity: the user-assigned identity.",
    )
    tenant_id: str | None = Field(
        default=None, alias="AZURE_TENANT_ID", description="Tenant of the service principal."
    )
    client_id: str | None = Field(
        default=None,
        alias="AZURE_CLIENT_ID",
        description="The service principal, or the user-assigned identity.",
    )
    client_secret: SecretStr | None = Field(
        default=None, alias="AZURE_CLIENT_SECRET", description="Secret of the service principal."
    )
    client_certificate_path: str | None = Field(
        default=None,
        alias="AZURE_CLIENT_CERTIFICATE_PATH",
        description="PEM or PKCS12 certificate of the service principal.",
    )
    authority_host: str | None = Field(
        default=None, alias="AZURE_AUTHORITY_HOST", description="Overrides the cloud's Entra ID authority."
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from a mapping, the process environment unless told otherwise.

        Raises:
            SettingsError: with one sentence for each setting at fault; never with a value of one.
        """
        source = os.environ if environ is None else environ
        try:
            return cls.model_validate({name: value for name, value in source.items() if value.strip()})
        except ValidationError as exc:
            raise SettingsError([_sentence(error) for error in exc.errors()]) from None

    @field_validator("management_endpoint", "storage_queue_uri", "storage_table_uri")
    @classmethod
    def _encrypted_or_loopback(cls, value: str | None) -> str | None:
        return None if value is None else checked_endpoint(value)

    @field_validator("authority_host")
    @classmethod
    def _encrypted(cls, value: str | None) -> str | None:
        if value is None or value.startswith("https://") or "://" not in value:
            return value
        raise ValueError("must be a host name or an https:// URL")

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        faults = [*self._storage_faults(), *self._credential_faults(), *self._time_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _storage_faults(self) -> list[str]:
        by_uri = self.storage_queue_uri and self.storage_table_uri
        if self.storage_connection_string or self.storage_account_name or by_uri:
            return []
        return [
            (
                "AzureWebJobsStorage: no storage is named: set it, or AzureWebJobsStorage__accountName, "
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

    def _time_faults(self) -> list[str]:
        if self.lease > self.connect_timeout + self.read_timeout:
            return []
        return [
            (
                "ADF_TRIGGER_LEASE_SECONDS: must be longer than ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS and "
                "ADF_TRIGGER_READ_TIMEOUT_SECONDS together"
            )
        ]


class Settings(CommonSettings):
    """Everything that can be set, with its default."""

    factories: Annotated[
        dict[str, Annotated[FactoryId, BeforeValidator(_factory_id)]], BeforeValidator(_factories)
    ] = Field(
        alias="ADF_TRIGGER_FACTORIES",
        min_length=1,
        description="One factory's resource id, or a JSON object alias → resource id.",
    )


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {'is required' if error['type'] == 'missing' else message}"

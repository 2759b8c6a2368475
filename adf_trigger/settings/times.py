"""The settings that are durations: leases, deadlines, time-outs and cache times."""

from typing import Annotated

from pydantic import Field

from adf_trigger.settings.platform import PlatformSettings

Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
"""Up to a year: anything longer is probably a typo."""
CallSeconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


class TimeSettings(PlatformSettings):
    """Durations, in seconds unless the name says otherwise. Each field names its variable as its alias."""

    reconcile_grace: Seconds = Field(
        default=60,
        alias="ADF_TRIGGER_RECONCILE_GRACE_SECONDS",
        description="Seconds after which the policy decides on a createRun without an answer whose run is not found.",
    )
    lease: Seconds = Field(
        default=90,
        alias="ADF_TRIGGER_LEASE_SECONDS",
        description="Lease of a request's sender; longer than both HTTP time-outs together.",
    )
    start_deadline: Seconds = Field(
        default=86_400,
        alias="ADF_TRIGGER_START_DEADLINE_SECONDS",
        description="How long an accepted request may wait for throttling or an outage to end.",
    )
    poll_overlap: Seconds = Field(
        default=300,
        alias="ADF_TRIGGER_POLL_OVERLAP_SECONDS",
        description="Overlap of each poll with the one before, since lists lag.",
    )
    stale_after: Seconds = Field(
        default=300,
        alias="ADF_TRIGGER_STALE_AFTER_SECONDS",
        description="An active run that no list has shown for this long is read by its id.",
    )
    missing_run_hours: Annotated[float, Field(gt=0, le=8_760, allow_inf_nan=False)] = Field(
        default=24,
        alias="ADF_TRIGGER_MISSING_RUN_HOURS",
        description="A run that Data Factory reports as not found for this long ends as unknown.",
    )
    definition_cache: float = Field(
        default=60,
        ge=0,
        le=31_536_000,
        allow_inf_nan=False,
        alias="ADF_TRIGGER_DEFINITION_CACHE_SECONDS",
        description="How long a pipeline's declared parameters are cached.",
    )
    connect_timeout: CallSeconds = Field(
        default=5, alias="ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS", description="Connect time-out of every call."
    )
    read_timeout: CallSeconds = Field(
        default=30,
        alias="ADF_TRIGGER_READ_TIMEOUT_SECONDS",
        description="Read time-out of every call: the longest wait for the next byte.",
    )

    def _time_faults(self) -> list[str]:
        if self.lease > self.connect_timeout + self.read_timeout:
            return []
        return [
            (
                "ADF_TRIGGER_LEASE_SECONDS: must be longer than ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS and "
                "ADF_TRIGGER_READ_TIMEOUT_SECONDS together"
            )
        ]

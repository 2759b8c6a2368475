"""The setting that limits the hosts of callbacks."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from adf_trigger.azure.clouds import CLOUDS
from adf_trigger.settings.documents import json_object

MOST_HOSTS = 100

_LABEL = re.compile(r"\*|(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_LONGEST_HOST = 253
_LEAST_NAMED = 2


def _host(value: str) -> str:
    host = value.lower()
    labels = host.split(".")
    named = len(labels) >= _LEAST_NAMED and "*" not in labels[-_LEAST_NAMED:]
    if not named or len(host) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(
            "a host has two or more labels of letters, digits and hyphens; * stands for one whole label, but not for "
            "either of the last two"
        )
    if labels[-1].isdigit():
        raise ValueError("a host is a name, not an IP address")
    return host


CallbackHosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...],
    Field(max_length=MOST_HOSTS),
    BeforeValidator(json_object),
]
"""Host names, whose labels may be `*`."""


class CallbackSettings(BaseModel):
    """The settings of callbacks."""

    model_config = ConfigDict(defer_build=True)

    callback_hosts: CallbackHosts | None = Field(
        default=None,
        alias="ADF_TRIGGER_CALLBACK_HOSTS",
        description="JSON array of the hosts that callBackUri may name, `*` for one whole label; by default Data "
        "Factory's in that cloud.",
    )


def called_back(chosen: Sequence[str] | None, cloud: str) -> Sequence[str]:
    """The hosts that may be called back: those of the setting, by default Data Factory's in a cloud."""
    return CLOUDS[cloud].callback_hosts if chosen is None else chosen

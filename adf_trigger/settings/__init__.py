"""The settings: the only reader of the environment. The model is in `model`; credentials and storage in `opening`."""

from adf_trigger.settings.model import (
    POISON_SUFFIX,
    REQUESTS_QUEUE,
    CommonSettings,
    Settings,
    known_names,
    nothing_is_set,
)

__all__ = [
    "POISON_SUFFIX",
    "REQUESTS_QUEUE",
    "CommonSettings",
    "Settings",
    "known_names",
    "nothing_is_set",
]

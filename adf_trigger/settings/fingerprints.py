"""Digests by which two apps on one storage account compare their settings without revealing them."""

import hashlib
import json
from collections.abc import Mapping

from adf_trigger.settings.model import Settings

_PREFIX = "ADF_TRIGGER_"
_COMPARED_OTHERWISE = frozenset({"ADF_TRIGGER_FACTORIES", "ADF_TRIGGER_REQUESTS_QUEUE"})


def fingerprints(settings: Settings) -> Mapping[str, str]:
    """A short digest of each setting of ours, by its name. None of these holds a secret."""
    values = settings.model_dump(mode="json", by_alias=True)
    return {
        name: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
        for name, value in values.items()
        if name.startswith(_PREFIX) and name not in _COMPARED_OTHERWISE
    }

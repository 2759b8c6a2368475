"""The setting that declares triggers, in Data Factory's own format."""

from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf, PlainSerializer

from adf_trigger.settings.documents import json_object
from adf_trigger.settings.faults import together
from adf_trigger.triggers.definitions import Faulty, Trigger, read_triggers

TRIGGERS = "ADF_TRIGGER_TRIGGERS"


def _read(value: object) -> object:
    """The triggers of a setting's text.

    Raises:
        ValueError: it is not JSON.
        PydanticCustomError: with every fault of every trigger. Definitions hold no secrets, so names are shown.
    """
    try:
        return read_triggers(json_object(value))
    except Faulty as exc:
        raise together([f"{TRIGGERS}: {fault}" for fault in exc.faults]) from exc


Triggers = Annotated[
    tuple[InstanceOf[Trigger], ...],
    BeforeValidator(_read),
    PlainSerializer(lambda triggers: [dict(each.definition) for each in triggers]),
]
"""Triggers; serialized as they were given."""


def faults_of_factories(triggers: Sequence[Trigger], aliases: Collection[str]) -> list[str]:
    """The faults of the factories that triggers name, in sentences."""
    several = len(aliases) > 1
    faults = [
        f"{TRIGGERS}: {each.name}: ADF_TRIGGER_FACTORIES has no alias {each.factory}"
        for each in triggers
        if each.factory is not None and each.factory not in aliases
    ]
    faults += (
        f"{TRIGGERS}: {each.name}: names no factory, and ADF_TRIGGER_FACTORIES has several: name an alias"
        for each in triggers
        if each.factory is None and several
    )
    return faults

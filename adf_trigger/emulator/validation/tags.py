"""Rules for tags and locations, which Resource Manager enforces for every resource."""

from collections.abc import Mapping
from typing import Any

from adf_trigger.emulator.arm.arm_errors import InvalidRequestContent, LocationNotAvailable, LocationRequired
from adf_trigger.emulator.arm.regions import REGIONS, is_region, short
from adf_trigger.emulator.common.clouds import Cloud

MAX_TAGS = 50
MAX_TAG_NAME = 512
MAX_TAG_VALUE = 256
_FORBIDDEN_IN_NAMES = frozenset("<>%&\\?/")


def checked_tags(tags: Any) -> dict[str, str]:
    """The tags of a body; null means none.

    Raises:
        InvalidRequestContent: they are not strings by name, or too many, or too long.
    """
    if tags is None:
        return {}
    if not isinstance(tags, Mapping):
        raise InvalidRequestContent("The property 'tags' must be a JSON object.")
    faults = list(filter(None, (_fault(name, value) for name, value in tags.items())))
    if len(tags) > MAX_TAGS:
        faults.insert(0, f"There are {len(tags)} tags, but a resource can have at most {MAX_TAGS}.")
    if len({name.lower() for name in tags}) < len(tags):
        faults.append("Tag names are case-insensitive and must be unique.")
    if faults:
        raise InvalidRequestContent(" ".join(faults))
    return dict(tags)


def _fault(name: str, value: Any) -> str | None:
    shown = name[:MAX_TAG_NAME]
    if not name or len(name) > MAX_TAG_NAME or _FORBIDDEN_IN_NAMES & set(name):
        return f"The tag name '{shown}' is not valid."
    if not isinstance(value, str):
        return f"The value of the tag '{shown}' must be a string."
    if len(value) > MAX_TAG_VALUE:
        return f"The value of the tag '{shown}' is longer than {MAX_TAG_VALUE} characters."
    return None


def checked_location(cloud: Cloud, location: Any, resource_type: str) -> str:
    """The location of a body, as it is written there.

    Raises:
        LocationRequired: it is missing.
        LocationNotAvailable: it is not a region of the cloud.
    """
    if not isinstance(location, str) or not location.strip():
        raise LocationRequired
    if not is_region(cloud.name, location):
        raise LocationNotAvailable(location, resource_type, [short(region) for region in REGIONS[cloud.name]])
    return location

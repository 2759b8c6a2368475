"""Rules for names, which are case-insensitive; patterns and lengths are those of the OpenAPI description."""

import re

from adf_trigger.emulator.common.documents import FACTORY_NAME, FACTORY_NAME_LENGTH, Document
from adf_trigger.emulator.common.errors import BadRequest

_ACTIVITY_NAME = re.compile(r"[A-Za-z0-9_][^.+?/<>*%&:\\]*")
_MAX_ACTIVITY_NAME = 55


def check_factory_name(name: str, target: str) -> None:
    """Reject an invalid factory name.

    Raises:
        BadRequest: wrong length or characters.
    """
    if len(name) not in FACTORY_NAME_LENGTH or not FACTORY_NAME.fullmatch(name):
        raise _invalid("factory", name, target)


def check_document_name(document: Document) -> None:
    """Reject a name that is invalid for its kind.

    Raises:
        BadRequest: wrong length or characters.
    """
    kind = document.kind
    if len(document.name) > kind.max_name or not kind.name.fullmatch(document.name):
        raise _invalid(kind.label, document.name, document.target)


def check_activity_name(name: str, target: str) -> str:
    """Check the name of an activity, and return it.

    Raises:
        BadRequest: wrong length or characters.
    """
    if len(name) > _MAX_ACTIVITY_NAME or not _ACTIVITY_NAME.fullmatch(name):
        raise _invalid("activity", name, target)
    return name


def _invalid(label: str, name: str, target: str) -> BadRequest:
    return BadRequest(f"The {label} name '{name}' is not valid.", target=target)

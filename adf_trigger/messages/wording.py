"""Puts validation errors into the terms of the request's author."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from adf_trigger.contracts import RunRequest
from adf_trigger.errors import Fault
from adf_trigger.messages.mistaken import not_an_inner_object

_PARAMETERS = "pipeline parameters go below `parameters`"
_LIKE_ENOUGH = 0.6
_NO_FORM = "does not have the required form"
_NO_TIME = "is not a valid time: write it as 2026-11-26T06:00:00Z"
_NO_OBJECT = frozenset({"dict_type", "model_type", "model_attributes_type"})

_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be an array",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "uuid_type": "must be a GUID",
    "uuid_parsing": "must be a GUID",
    "finite_number": "must be a finite number",
    "datetime_type": _NO_TIME,
    "datetime_parsing": _NO_TIME,
    "datetime_from_date_parsing": _NO_TIME,
    "datetime_object_invalid": _NO_TIME,
}

_SHAPES: Mapping[str, str] = {
    "pipeline": "is not a valid pipeline name",
}


def fault_of(error: ErrorDetails, model: type[BaseModel]) -> Fault:
    """The fault of a validation error, in our own words.

    Args:
        error: the error, with its input.
        model: the model that was validated.
    """
    location = [part for part in error["loc"] if part != "[key]"]
    said = not_an_inner_object(error.get("input")) if error["type"] in _NO_OBJECT and location else None
    return Fault(pointer_to(location), said or _message(error, location, model))


def pointer_to(location: Sequence[int | str]) -> str:
    """The JSON pointer (RFC 6901) to a place in a body."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in parts)


def _message(error: ErrorDetails, location: Sequence[int | str], model: type[BaseModel]) -> str:
    context = error.get("ctx", {})
    field = str(location[-1]) if location else ""
    match error["type"]:
        case "extra_forbidden":
            said = _unknown(field, model) if len(location) == 1 else "is not a known name"
        case "value_error":
            said = str(context.get("error") or _NO_FORM)  # a sentence of this project's own
        case "string_too_short":
            least = context["min_length"]
            said = "must not be empty" if least == 1 else f"must have at least {least} characters"
        case "string_too_long":
            said = f"must have at most {context['max_length']} characters"
        case "too_long":
            said = f"must have at most {context['max_length']} entries"
        case "literal_error":
            said = f"must be {context['expected']}".replace("'", "")
        case "string_pattern_mismatch":
            said = _SHAPES.get(field, _NO_FORM)
        case kind:
            said = _WORDS.get(kind, _NO_FORM)
    return said if location else f"the body {said}"


def _unknown(name: str, model: type[BaseModel]) -> str:
    """The message for an unknown field, with the name that was probably meant."""
    known = {
        spelling: str(field.alias or field_name)
        for field_name, field in model.model_fields.items()
        for spelling in (field_name, str(field.alias or field_name))
    }
    folded = {_folded(spelling): alias for spelling, alias in known.items()}
    hint = (
        _PARAMETERS
        if issubclass(model, RunRequest)
        else f"there are: {', '.join(dict.fromkeys(known.values()))}"
    )
    nearest = get_close_matches(_folded(name), folded, n=1, cutoff=_LIKE_ENOUGH)
    if nearest:
        return f"there is no such field; is {folded[nearest[0]]} meant? ({hint})"
    return f"there is no such field; {hint}"


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()

"""Puts the models' docstrings into their JSON Schemas as descriptions."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def describe_model(schema: dict[str, Any], models: Sequence[tuple[type[BaseModel], str]], name: str) -> None:
    """Describe a model by the first paragraph of its docstring, and its properties by the attributes there.

    Args:
        schema: the model's schema; it is changed.
        models: the models in which, or in whose fields, the model is found.
        name: the model's name.
    """
    schema.pop("title", None)
    model = _found(models, name)
    words = "" if model is None else inspect.cleandoc(model.__doc__ or "")
    if words:
        schema["description"] = _line(words.partition("\n\n")[0])
    described = {} if model is None else _attributes(model)
    for alias, each in schema.get("properties", {}).items():
        each.pop("title", None)
        if alias in described and "$ref" not in each:
            each["description"] = described[alias]


def _found(models: Sequence[tuple[type[BaseModel], str]], name: str) -> type[BaseModel] | None:
    left: list[type[BaseModel]] = [model for model, _ in models]
    seen: set[type[BaseModel]] = set()
    while left:
        model = left.pop()
        if model.__name__ == name:
            return model
        if model not in seen:
            seen.add(model)
            left += _inner(model)
    return None


def _inner(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models of its fields, including nested ones."""
    found: list[type[BaseModel]] = []
    left: list[Any] = [each.annotation for each in model.model_fields.values()]
    while left:
        each = left.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            found.append(each)
        left += getattr(each, "__args__", ())
    return found


def _attributes(model: type[BaseModel]) -> Mapping[str, str]:
    described: dict[str, str] = {}
    for each in reversed(model.__mro__):
        words = inspect.cleandoc(each.__doc__ or "") if issubclass(each, BaseModel) else ""
        for name, text in _ATTRIBUTE.findall(words.partition("Attributes:\n")[2]):
            described[to_camel(name)] = _line(text)
    return described


def _line(text: str) -> str:
    return " ".join(text.split())

"""Reads the ARM template that Data Factory exports: its resources, with parameters and variables resolved.

Exported templates use few of ARM's functions: parameters, variables and concat. Any other is rejected by name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z]\w*)|'(?P<text>(?:[^']|'')*)'|(?P<sign>[(),]))")


class TemplateError(ValueError):
    """The template cannot be read."""


@dataclass(frozen=True, slots=True)
class TemplateResource:
    """A resource of a template.

    Attributes:
        type: e.g. `Microsoft.DataFactory/factories/pipelines`.
        name: its own name, without the factory's.
        properties: with the template's expressions still in them; see `ArmTemplate.resolve`.
    """

    type: str
    name: str
    properties: dict[str, Any]


@dataclass(slots=True)
class ArmTemplate:
    """An exported template.

    Attributes:
        parameters: values of the template's parameters, which override its defaults. Text for one that is not
            declared as a string is parsed as JSON.
    """

    document: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def resources(self) -> Iterator[TemplateResource]:
        """The resources, in the order of the template, each before those nested in it.

        Raises:
            TemplateError: a name cannot be resolved.
        """
        yield from self._resources(self.document, "")

    def _resources(self, parent: Mapping[str, Any], parent_type: str) -> Iterator[TemplateResource]:
        for resource in parent.get("resources", []):
            name = str(self.resolve(resource["name"]))
            type_name = resource["type"] if "/" in resource["type"] else f"{parent_type}/{resource['type']}"
            yield TemplateResource(type_name, name.rpartition("/")[2], resource.get("properties") or {})
            yield from self._resources(resource, type_name)

    def resolve(self, value: Any) -> Any:
        """A JSON value with every `[expression]` in it evaluated.

        Raises:
            TemplateError: an expression uses an unknown function, parameter or variable.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
            return value
        if value.startswith("[["):
            return value[1:]
        return _Expression(value[1:-1], self).value()

    def parameter(self, name: str) -> Any:
        """Value of a parameter.

        Raises:
            TemplateError: it has no value, or one of another type.
        """
        declared = self.document.get("parameters", {}).get(name, {})
        if name in self.parameters:
            return _typed(name, self.parameters[name], str(declared.get("type", "string")))
        if "defaultValue" not in declared:
            raise TemplateError(f"the template's parameter '{name}' has no value")
        return self.resolve(declared["defaultValue"])

    def variable(self, name: str) -> Any:
        """Value of a variable.

        Raises:
            TemplateError: it does not exist.
        """
        try:
            return self.resolve(self.document["variables"][name])
        except KeyError as exc:
            raise TemplateError(f"the template has no variable '{name}'") from exc


def _typed(name: str, value: Any, type_name: str) -> Any:
    if not isinstance(value, str) or type_name.lower() in {"string", "securestring"}:
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise TemplateError(f"the template's parameter '{name}' must be the JSON of an {type_name}") from exc


def parameter_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """The values in a parameters file."""
    return {
        name: entry["value"] for name, entry in document.get("parameters", {}).items() if "value" in entry
    }


class _Expression:
    """Evaluates one expression by recursive descent."""

    def __init__(self, text: str, template: ArmTemplate) -> None:
        self._text = text
        self._template = template
        self._tokens = list(self._tokenise())
        self._next = 0

    def value(self) -> Any:
        value = self._term()
        if self._next != len(self._tokens):
            raise self._error()
        return value

    def _tokenise(self) -> Iterator[tuple[str, str]]:
        position = 0
        while position < len(self._text.rstrip()):
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                raise self._error()
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _take(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise self._error()
        self._next += 1
        return self._tokens[self._next - 1]

    def _term(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return text.replace("''", "'")
        if kind != "name" or self._take() != ("sign", "("):
            raise self._error()
        return self._call(text, self._arguments())

    def _arguments(self) -> list[Any]:
        if self._next < len(self._tokens) and self._tokens[self._next] == ("sign", ")"):
            self._next += 1
            return []
        arguments = [self._term()]
        while (sign := self._take()) != ("sign", ")"):
            if sign != ("sign", ","):
                raise self._error()
            arguments.append(self._term())
        return arguments

    def _call(self, function: str, arguments: list[Any]) -> Any:
        match function.lower(), arguments:
            case "parameters", [str() as name]:
                return self._template.parameter(name)
            case "variables", [str() as name]:
                return self._template.variable(name)
            case "concat", [*parts]:
                return "".join(part if isinstance(part, str) else json.dumps(part) for part in parts)
        raise TemplateError(f"the template uses {function}(), which is not supported, in [{self._text}]")

    def _error(self) -> TemplateError:
        return TemplateError(f"the template's expression [{self._text}] cannot be read")

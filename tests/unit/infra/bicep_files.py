"""The Bicep files as an independent parser reads them, and the evaluation that the tests need."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

INFRA = Path(__file__).parents[3] / "infra"
_PARSER = BicepParser()


@dataclass(frozen=True)
class Template:
    """A Bicep file.

    Attributes:
        path: of the file.
        tree: the parser's result. It does not distinguish the text 'x' from the name x.
    """

    path: Path
    tree: dict[str, Any]

    def part(self, kind: str) -> dict[str, Any]:
        """Its parameters, variables, resources, modules or outputs, by name."""
        part: dict[str, Any] = self.tree.get(kind, {})
        return part

    @property
    def text(self) -> str:
        """Its text without comments, with each run of white space as one space."""
        return " ".join(re.sub(r"(?<!:)//.*", "", self.path.read_text()).split())

    def resource(self, symbol: str) -> dict[str, Any]:
        """The body of a resource, without its loop or condition."""
        return _body(self.part("resources")[symbol]["config"])

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of all its resources of a type."""
        return [
            _body(resource["config"])
            for resource in self.part("resources").values()
            if resource["type"] == kind and not resource["existing"]
        ]

    def module(self, symbol: str) -> "Template":
        """The file of a module."""
        return template(
            str((self.path.parent / self.part("modules")[symbol]["detail"]["path"]).relative_to(INFRA))
        )


@cache
def template(name: str) -> Template:
    """A file below infra."""
    path = INFRA / name
    return Template(path, dict(_PARSER.parse(file_path=path)))


def main() -> Template:
    """The file that azd deploys."""
    return template("main.bicep")


def given_to(module: str) -> dict[str, Any]:
    """The parameters that main.bicep gives to a module."""
    params: dict[str, Any] = _body(main().part("modules")[module]["config"])["params"]
    return params


def literal(expression: object, where: Template, called_as: str | None = None) -> object:
    """The value of an expression before a deployment; None where only the deployment determines it.

    Args:
        expression: as parsed.
        where: the file it stands in.
        called_as: the module's name in main.bicep, for a module's file.
    """
    if isinstance(expression, list):
        return [literal(item, where, called_as) for item in expression]
    if isinstance(expression, str):
        return _text(expression, where, called_as)
    if isinstance(expression, dict):
        return _property(path_of(expression), where)
    return expression


def path_of(expression: object) -> list[str]:
    """The names of `a.b.c`; empty for any other expression."""
    if isinstance(expression, str):
        return [expression]
    operator = expression.get("operator", {}) if isinstance(expression, dict) else {}
    if operator.get("type") != "property_accessor":
        return []
    owner = path_of(operator["operands"]["operand_1"])
    return owner and owner + path_of(operator["operands"]["operand_2"])


def assigned_roles(file: Template) -> list[dict[str, Any]]:
    """The role assignments of a file."""
    return file.of_type("Microsoft.Authorization/roleAssignments")


def role_of(assignment: dict[str, Any]) -> object:
    """The id, or its name in the file, of the role that is assigned."""
    function = assignment["properties"]["roleDefinitionId"]["function"]
    assert function["type"] == "subscription_resource_id"
    assert function["parameters"]["resource_type"] == "Microsoft.Authorization/roleDefinitions"
    return function["parameters"]["resource_name_1"]


def loop_of(file: Template, symbol: str) -> dict[str, Any]:
    """The iteration of a resource's loop: `array_name`, `item_name` and, if it counts, `index_name`."""
    loop: dict[str, Any] = file.part("resources")[symbol]["config"]["loop_type"]["detail"]
    return loop


def _text(text: str, where: Template, called_as: str | None) -> object:
    if text in where.part("variables"):
        return literal(where.part("variables")[text]["value"], where, called_as)
    if text in where.part("parameters"):
        if called_as is None:
            return where.part("parameters")[text]["default"]
        return literal(given_to(called_as)[text], main())
    return None if "${" in text else text


def _property(path: list[str], where: Template) -> object:
    match path:
        case [module, "outputs", output] if module in where.part("modules"):
            file = where.module(module)
            return literal(file.part("outputs")[output]["value"], file, module)
        case [resource, "name"] if resource in where.part("resources"):
            return literal(where.resource(resource)["name"], where)
    return None


def _body(config: dict[str, Any]) -> dict[str, Any]:
    while "condition" in config or "loop_type" in config:
        config = config["config"]
    return config

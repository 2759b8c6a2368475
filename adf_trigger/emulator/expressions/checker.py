"""Static checks of expressions: errors, and the names that they refer to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adf_trigger.emulator.expressions.nodes import Call, Constant, Node, Selection, walk
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import MAX_EXPRESSION_LENGTH
from adf_trigger.emulator.expressions.table import function_for_call
from adf_trigger.emulator.expressions.templates import Source, split, too_long

_ACTIVITY_FUNCTIONS: Final = {"activity", "actions", "body"}
_PIPELINE_MAPS: Final = {"parameters": "parameters", "globalparameters": "global_parameters"}
_OWNERS: Final = {"dataset": "dataset_parameters", "linkedservice": "linked_service_parameters"}


@dataclass(slots=True)
class References:
    """The constant names that expressions refer to, in order of appearance, without duplicates, as written.

    Attributes:
        parameters: of `pipeline().parameters.x`.
        global_parameters: of `pipeline().globalParameters.x`.
        system: of `pipeline().X`, except those two.
        variables: of `variables('x')`.
        activities: of `activity('x')`, and the older `actions` and `body`.
        dataset_parameters: of `dataset().x`.
        linked_service_parameters: of `linkedService().x`.
        own_parameters: of the older `parameters('x')`.
        functions: every called function, as written.
    """

    parameters: list[str] = field(default_factory=list)
    global_parameters: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    activities: list[str] = field(default_factory=list)
    dataset_parameters: list[str] = field(default_factory=list)
    linked_service_parameters: list[str] = field(default_factory=list)
    own_parameters: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    def calls(self, function: str) -> bool:
        """Whether a function, such as `item`, is called anywhere; its name in any case."""
        return function.lower() in {name.lower() for name in self.functions}


@dataclass(slots=True)
class Check:
    """The result of `check`.

    Attributes:
        problems: the engine's message for each string that can never be evaluated, in order.
        references: the names that the other strings refer to.
    """

    problems: list[str] = field(default_factory=list)
    references: References = field(default_factory=References)


def check(value: Any, *, max_length: int | None = MAX_EXPRESSION_LENGTH) -> Check:
    """Check the expressions in a JSON value without evaluating them.

    Args:
        value: a string, or any part of a definition.
        max_length: maximum characters of one expression; None for no limit.

    Returns:
        Syntax errors, unknown functions and wrong numbers of arguments, and the references.
    """
    found = Check()
    for text in _strings(value):
        try:
            for piece in split(text).pieces:
                if isinstance(piece, Source):
                    _check_expression(piece, found, max_length)
        except ExpressionError as exc:
            found.problems.append(exc.message)
    return found


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "@" in text:
                yield text
            case Mapping() as members:
                waiting.extend(reversed(list(members.values())))
            case list() | tuple() as items:
                waiting.extend(reversed(items))
            case _:
                pass


def _check_expression(source: Source, found: Check, max_length: int | None) -> None:
    if error := too_long(len(source.text), max_length):
        raise error
    for node in walk(source.parse()):
        match node:
            case Call(name=name, arguments=arguments):
                _note(found.references.functions, name)
                _note_named(found.references, node)
                _check_call(name, len(arguments), found)
            case Selection(target=target, key=Constant(value=str() as key)):
                _note_selected(found.references, target, key)
            case _:
                pass


def _check_call(name: str, count: int, found: Check) -> None:
    try:
        function_for_call(name, count)
    except ExpressionError as exc:
        _note(found.problems, exc.message)


def _note_named(references: References, call: Call) -> None:
    match call:
        case Call(name=name, arguments=(Constant(value=str() as named),)):
            match name.lower():
                case "variables":
                    _note(references.variables, named)
                case "parameters":
                    _note(references.own_parameters, named)
                case function if function in _ACTIVITY_FUNCTIONS:
                    _note(references.activities, named)


def _note_selected(references: References, target: Node, key: str) -> None:
    match target:
        case Call(name=name) if name.lower() in _OWNERS:
            _note(getattr(references, _OWNERS[name.lower()]), key)
        case Call(name=name) if name.lower() == "pipeline" and key.lower() not in _PIPELINE_MAPS:
            _note(references.system, key)
        case Selection(target=Call(name=name), key=Constant(value=str() as collection)) if (
            name.lower() == "pipeline" and collection.lower() in _PIPELINE_MAPS
        ):
            _note(getattr(references, _PIPELINE_MAPS[collection.lower()]), key)


def _note(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)

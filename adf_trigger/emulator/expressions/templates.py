"""Strings of definitions, which can contain expressions: `@…`, `@{…}`, `@@` and plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from adf_trigger.emulator.expressions.compiler import Compiled, compile_node
from adf_trigger.emulator.expressions.nodes import Node
from adf_trigger.emulator.expressions.parser import parse
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.values import to_text

_CACHED_TEXTS: Final = 4096
_EXPRESSION_KEYS: Final = {"type", "value"}


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one expression within a string."""

    text: str

    def parse(self) -> Node:
        """The syntax tree.

        Raises:
            ExpressionError: the syntax is not valid.
        """
        return parse(self.text)


@dataclass(frozen=True, slots=True)
class Template:
    """A string split into pieces.

    Attributes:
        pieces: literal text and expressions in order.
        whole: whether the string is one expression, whose value keeps its type; otherwise the result is a string.
    """

    pieces: tuple[str | Source, ...]
    whole: bool = False


def split(text: str) -> Template:
    """Split a string into literal text and expressions.

    `@` at the start makes the whole string an expression, `@{…}` anywhere is replaced by a value's text. `@@` at
    the start stands for a literal `@`, `@@{` anywhere for a literal `@{`.

    Raises:
        ExpressionError: a `@{` has no end.
    """
    if text.startswith("@") and not text.startswith(("@@", "@{")):
        return Template((Source(text[1:]),), whole=True)
    if text.startswith("@@") and not text.startswith("@@{"):
        return Template((text[1:],))
    return Template(tuple(_interpolated(text)))


def _interpolated(text: str) -> list[str | Source]:
    pieces: list[str | Source] = []
    literal, position = "", 0
    while (start := text.find("@{", position)) >= 0:
        if start > position and text[start - 1] == "@":
            literal += text[position : start - 1] + "@{"
            position = start + 2
            continue
        end = _end_of_expression(text, start)
        literal += text[position:start]
        if literal:
            pieces.append(literal)
        pieces.append(Source(text[start + 2 : end]))
        literal, position = "", end + 1
    literal += text[position:]
    return [*pieces, literal] if literal or not pieces else pieces


def _end_of_expression(text: str, start: int) -> int:
    """The position of the `}` that ends an expression, outside of quoted strings."""
    quoted = False
    for position in range(start + 2, len(text)):
        if text[position] == "'":
            quoted = not quoted
        elif text[position] == "}" and not quoted:
            return position
    raise ExpressionError(
        f"The expression '{text}' is not valid: the string interpolation segment starting at position '{start}' "
        "is not terminated. Make sure that every '@{' is followed by its '}'."
    )


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """A compiled string: a function of the scope, and the length of its longest expression, for the limit."""

    run: Compiled
    longest: int


@lru_cache(maxsize=_CACHED_TEXTS)
def _evaluator(text: str) -> _Evaluator:
    template = split(text)
    sources = [piece.text for piece in template.pieces if isinstance(piece, Source)]
    longest = max(map(len, sources), default=0)
    if template.whole:
        return _Evaluator(_compiled(template.pieces[0]), longest)
    if not sources:
        constant = "".join(str(piece) for piece in template.pieces)
        return _Evaluator(lambda _: constant, longest)
    parts = [_compiled(piece) for piece in template.pieces]
    return _Evaluator(lambda scope: "".join([to_text(part(scope)) for part in parts]), longest)


def _compiled(piece: str | Source) -> Compiled:
    if isinstance(piece, str):
        return lambda _: piece
    return compile_node(piece.parse(), piece.text)


def too_long(length: int, limit: int | None) -> ExpressionError | None:
    """The error for an expression that exceeds the limit; None for one that does not."""
    if limit is None or length <= limit:
        return None
    return ExpressionError(f"The expression length limit exceeded. Limit: '{limit}' and actual: '{length}'.")


def evaluate_text(text: str, scope: Scope) -> Any:
    """The value of a string of a definition.

    Args:
        text: the string as written, with or without expressions.
        scope: the values that its expressions can refer to.

    Returns:
        The value, with its type, of a string that is one expression; otherwise a string.

    Raises:
        ExpressionError: an expression in it cannot be parsed or evaluated.
    """
    if "@" not in text:
        return text
    try:
        evaluator = _evaluator(text)
        if error := too_long(evaluator.longest, scope.max_expression_length):
            raise error
        return evaluator.run(scope)
    except RecursionError as exc:
        raise ExpressionError(_TOO_DEEP) from exc


_TOO_DEEP: Final = "The expression, or a value in it, is nested too deeply."


def evaluate(value: Any, scope: Scope) -> Any:
    """A JSON value of a definition with every expression in it replaced by its value.

    Strings are evaluated at any depth; property names are not evaluated. A whole `{"type": "Expression",
    "value": …}` is replaced. The value of an expression is not evaluated again.

    Raises:
        ExpressionError: an expression in it cannot be parsed or evaluated.
    """
    try:
        return _evaluate(value, scope)
    except RecursionError as exc:
        raise ExpressionError(_TOO_DEEP) from exc


def _evaluate(value: Any, scope: Scope) -> Any:
    match value:
        case str():
            return evaluate_text(value, scope)
        case Mapping():
            if is_expression_object(value):
                return _evaluate(value["value"], scope)
            return {key: _evaluate(item, scope) for key, item in value.items()}
        case list() | tuple():
            return [_evaluate(item, scope) for item in value]
        case _:
            return value


def is_expression_object(value: Mapping[str, Any]) -> bool:
    """Whether an object is an expression in its long form: `{"type": "Expression", "value": "@…"}`."""
    kind = value.get("type")
    return isinstance(kind, str) and kind.lower() == "expression" and value.keys() == _EXPRESSION_KEYS

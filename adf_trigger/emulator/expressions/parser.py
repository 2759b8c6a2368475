"""Parses the text of an expression into a syntax tree."""

import math
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from adf_trigger.emulator.expressions.nodes import Call, Constant, Node, Selection
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError
from adf_trigger.emulator.expressions.runtime.values import is_int64

_TOKEN_NAMES: Final = {
    "$END": "EndOfData",
    "LPAR": "LeftParenthesis",
    "RPAR": "RightParenthesis",
    "LSQB": "LeftSquareBracket",
    "RSQB": "RightSquareBracket",
    "COMMA": "Comma",
    "DOT": "Dot",
    "QMARK": "QuestionMark",
    "STRING": "StringLiteral",
    "INTEGER": "IntegerLiteral",
    "FLOAT": "FloatLiteral",
    "NAME": "Identifier",
    "TRUE": "Identifier",
    "FALSE": "Identifier",
    "NULL": "Identifier",
}
"""The service engine's names of the grammar's terminals."""

_EXPECTED_FIRST: Final = ("LPAR", "RPAR", "RSQB", "$END", "NAME")
"""The engine names one expected token; of several possible ones, preferably one that closes an open bracket."""

_CACHED_SOURCES: Final = 4096
"""Expressions are parsed at each createRun, for checks, and at their first evaluation."""

_INT64_DIGITS: Final = 64
"""Maximum characters, including leading zeros: Python refuses to convert very long numbers."""


def _out_of_range(token: Token) -> ExpressionError:
    return ExpressionError(f"The number '{token}' in an expression is out of range.")


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    def string(self, token: Token) -> Node:
        return Constant(token[1:-1].replace("''", "'"))

    def integer(self, token: Token) -> Node:
        if len(token) > _INT64_DIGITS or not is_int64(value := int(token)):
            raise _out_of_range(token)
        return Constant(value)

    def floating(self, token: Token) -> Node:
        if not math.isfinite(value := float(token)):
            raise _out_of_range(token)
        return Constant(value)

    def true(self, _: Token) -> Node:
        return Constant(True)

    def false(self, _: Token) -> Node:
        return Constant(False)

    def null(self, _: Token) -> Node:
        return Constant(None)

    def call(self, name: Token, *arguments: Node | None) -> Node:
        return Call(str(name), tuple(argument for argument in arguments if argument is not None))

    def member(self, target: Node, name: Token) -> Node:
        return Selection(target, Constant(str(name)), safe=False)

    def safe_member(self, target: Node, name: Token) -> Node:
        return Selection(target, Constant(str(name)), safe=True)

    def element(self, target: Node, key: Node) -> Node:
        return Selection(target, key, safe=False)

    def safe_element(self, target: Node, key: Node) -> Node:
        return Selection(target, key, safe=True)


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", maybe_placeholders=False, transformer=_Builder())


@lru_cache(maxsize=_CACHED_SOURCES)
def parse(source: str) -> Node:
    """The syntax tree of an expression.

    Args:
        source: the expression without its `@`.

    Raises:
        ExpressionError: the syntax is not valid.
    """
    try:
        node: Any = _grammar().parse(source)
    except UnexpectedInput as exc:
        raise ExpressionError(_syntax_message(source, exc)) from exc
    if not isinstance(node, Constant | Call | Selection):
        raise TypeError(f"the grammar's builder left a {type(node).__name__}")
    return node


def _syntax_message(source: str, error: UnexpectedInput) -> str:
    match error:
        case UnexpectedToken(token=token):
            wanted = error.accepts or error.expected
            expected = next((name for name in _EXPECTED_FIRST if name in wanted), "NAME")
            return (
                f"Unable to parse expression '{source}': expected token '{_TOKEN_NAMES[expected]}' "
                f"and actual '{_TOKEN_NAMES[token.type]}'."
            )
        case UnexpectedCharacters():
            position: Any = error.pos_in_stream  # lark's annotation says it is None
            return (
                f"The expression '{source}' is not valid: the string character '{source[position]}' "
                f"at position '{position}' is not expected."
            )
        case _:
            return f"Unable to parse expression '{source}'."

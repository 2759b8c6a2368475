"""The expression language of Data Factory: parser, checker and evaluator.

`evaluate` and `evaluate_text` take a value of a definition and a `Scope`; `check` checks a definition before it
is stored; `TABLE` lists the functions. The package is independent of pipelines, activities and storage.
"""

from adf_trigger.emulator.expressions.checker import Check, References, check
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError
from adf_trigger.emulator.expressions.runtime.scope import MAX_EXPRESSION_LENGTH, MISSING, Missing, Scope
from adf_trigger.emulator.expressions.runtime.values import to_json, to_text
from adf_trigger.emulator.expressions.table import TABLE, Function
from adf_trigger.emulator.expressions.templates import evaluate, evaluate_text

__all__ = [
    "MAX_EXPRESSION_LENGTH",
    "MISSING",
    "TABLE",
    "Check",
    "ExpressionError",
    "Function",
    "Missing",
    "References",
    "Scope",
    "check",
    "evaluate",
    "evaluate_text",
    "to_json",
    "to_text",
]

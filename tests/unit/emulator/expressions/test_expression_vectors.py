"""The service's engine's own answers to 319 expressions."""

import json
from pathlib import Path
from typing import Any

import pytest

from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate_text

VECTORS = [
    vector
    for name in ("expression_vectors.json", "expression_vectors_2.json")
    for vector in json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))["vectors"]
]
ANSWERED = [vector for vector in VECTORS if "result" in vector]
REFUSED = [vector for vector in VECTORS if vector.get("error")]


def test_every_vector_is_either_a_value_or_an_error() -> None:
    """No recorded answer is left out of the two tests below."""
    assert len(VECTORS) == 319
    assert len(ANSWERED) + len(REFUSED) == len(VECTORS)


@pytest.mark.parametrize("vector", ANSWERED, ids=lambda vector: vector["expression"])
def test_an_expression_has_the_engines_value(vector: dict[str, Any], scope: Scope) -> None:
    """Value and type are the engine's: compared as JSON, where 1 is not 1.0."""
    value = evaluate_text(vector["expression"], scope)

    assert json.dumps(value, sort_keys=True) == json.dumps(vector["result"], sort_keys=True)


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["expression"])
def test_an_expression_without_a_value_is_an_error(vector: dict[str, Any], scope: Scope) -> None:
    """An expression that the engine has no value for raises ExpressionError."""
    with pytest.raises(ExpressionError):
        evaluate_text(vector["expression"], scope)

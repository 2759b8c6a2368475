"""A scope with values of every kind, and a fixed clock."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.emulator.expressions import Scope, evaluate_text

VECTORS = json.loads(Path(__file__).with_name("expression_vectors.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 5, 14, 7, 9, 123456, tzinfo=UTC)
AN_ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.fixture
def scope() -> Scope:
    """The context of the recorded answers."""
    context = VECTORS["context"]
    return Scope(
        parameters=context["parameters"],
        global_parameters=context["globalParameters"],
        system=context["system"],
        variables=context["variables"],
        activities=context["activities"],
        item=context["item"],
        clock=lambda: NOW,
        new_id=lambda: AN_ID,
    )


@pytest.fixture
def value_of(scope: Scope) -> Callable[[str], Any]:
    """Evaluates an expression, written without its `@`, in that context."""
    return lambda expression: evaluate_text(f"@{expression}", scope)

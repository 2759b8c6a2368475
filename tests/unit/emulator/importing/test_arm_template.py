"""Expressions of exported ARM templates."""

from typing import Any

import pytest

from adf_trigger.emulator.importing.arm_template import ArmTemplate, TemplateError, parameter_values

DOCUMENT: dict[str, Any] = {
    "parameters": {
        "name": {"defaultValue": "adf"},
        "list": {"defaultValue": [1]},
        "made": {"defaultValue": "[concat('x', parameters('name'))]"},
        "none": {"type": "string"},
    },
    "variables": {"id": "[concat('/factories/', parameters('name'))]"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("[parameters('name')]", "given"),
        ("[PARAMETERS('list')]", [1]),
        ("[parameters('made')]", "xgiven"),
        ("[concat(variables('id'), '/', parameters('name'))]", "/factories/given/given"),
        ("[concat('it''s', concat())]", "it's"),
        ("[[not an expression]", "[not an expression]"),
        ("[open", "[open"),
    ],
)
def test_values(text: str, value: Any) -> None:
    """Parameters, variables and concat are supported; given values precede defaults."""
    assert ArmTemplate(DOCUMENT, {"name": "given"}).resolve({"k": [text]}) == {"k": [value]}


@pytest.mark.parametrize(
    "text",
    [
        "[parameters('none')]",
        "[parameters('unknown')]",
        "[variables('unknown')]",
        "[resourceId('x')]",
        "[parameters('name']",
        "[parameters('name'))]",
        "[concat('a' 'b')]",
        "[parameters]",
        "[{}]",
        "[]",
    ],
)
def test_an_unresolvable_expression_is_rejected(text: str) -> None:
    """Missing values, other functions and broken expressions are named."""
    with pytest.raises(TemplateError):
        ArmTemplate(DOCUMENT).resolve(text)


def test_a_parameters_file() -> None:
    """Values are used, references to a vault are not."""
    document = {"parameters": {"a": {"value": 1}, "b": {"reference": {}}}}
    assert parameter_values(document) == {"a": 1}

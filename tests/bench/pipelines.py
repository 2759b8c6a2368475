"""The pipelines that the benches run."""

from typing import Any


def wait_and_set(seconds: int) -> dict[str, Any]:
    """A Wait, then a SetVariable whose value is an expression."""
    return {
        "variables": {"said": {"type": "String"}},
        "activities": [
            {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": seconds}},
            {
                "name": "Say",
                "type": "SetVariable",
                "dependsOn": [{"activity": "Pause", "dependencyConditions": ["Succeeded"]}],
                "typeProperties": {
                    "variableName": "said",
                    "value": {
                        "value": "@concat(pipeline().RunId,'-',string(add(1,2)))",
                        "type": "Expression",
                    },
                },
            },
        ],
    }

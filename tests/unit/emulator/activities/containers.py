"""Containers for the tests of IfCondition, Switch, ForEach and Until."""

from typing import Any

from adf_trigger.emulator.common.models import ActivityRun
from tests.support.engine_factory import (
    FACTORY_ID,
    Factory,
    activity,
    expression,
)

LIST = {
    "variables": {
        "list": {"type": "Array"},
        "v": {"type": "String"},
        "on": {"type": "Boolean", "defaultValue": False},
    }
}
INNER_FAILED = "Activity failed because an inner activity failed; Inner activity name: "


def if_condition(text: str, when_true: list[Any], when_false: list[Any], name: str = "If") -> dict[str, Any]:
    """An IfCondition."""
    return activity(
        name,
        "IfCondition",
        {"expression": expression(text), "ifTrueActivities": when_true, "ifFalseActivities": when_false},
    )


def for_each(items: Any, *inner: dict[str, Any], name: str = "Loop", **others: Any) -> dict[str, Any]:
    """A ForEach."""
    return activity(name, "ForEach", {"items": items, "activities": list(inner), **others})


def until(condition: str, *inner: dict[str, Any], name: str = "Until", **others: Any) -> dict[str, Any]:
    """An Until."""
    return activity(name, "Until", {"expression": expression(condition), "activities": list(inner), **others})


def rows_named(factory: Factory, run_id: str, name: str) -> list[ActivityRun]:
    """All activity runs of one activity."""
    return [row for row in factory.log.activities(FACTORY_ID, run_id) if row.activity_name == name]

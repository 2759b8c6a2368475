"""Operations_List: the provider's RBAC actions."""

from collections.abc import Iterable

from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Handler, Reply


def listing(actions: Iterable[str]) -> Handler:
    """The handler that lists these RBAC actions."""
    value = [
        {
            "origin": "system",
            "name": action,
            "display": {
                "provider": "Microsoft.DataFactory",
                "resource": action.split("/", 1)[1].rpartition("/")[0],
                "operation": action.split("/", 1)[1],
                "description": action,
            },
        }
        for action in sorted(set(actions))
    ]

    def operations(_backend: Backend, _call: Call) -> Reply:
        return Reply({"value": value})

    return operations

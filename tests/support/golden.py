"""The rows and messages that earlier versions have left, and the service over them."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from tests.support.faulty_ledger import FaultyDeclarations, FaultyLedger
from tests.support.memory_factory import Ids, MemoryFactory, Run
from tests.support.world import FACTORY_ID, MovingClock, World, settings

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SETS = sorted(path.parent for path in GOLDEN.glob("*/scenes.json"))
"""One folder for each version whose data is kept."""

PIPELINES: dict[str, dict[str, dict[str, Any]]] = {
    "load": {"day": {"type": "String"}, "Count": {"type": "int", "defaultValue": 3}},
    "quick": {},
    "vault": {
        "user": {"type": "string"},
        "password": {"type": "SecureString"},
        "Token": {"type": "secureString", "defaultValue": "default-secret"},
    },
    "everything": {
        "text": {"type": "String", "defaultValue": ""},
        "number": {"type": "Float", "defaultValue": 0},
        "whole": {"type": "Int", "defaultValue": 0},
        "flag": {"type": "Bool", "defaultValue": False},
        "list": {"type": "Array", "defaultValue": []},
        "object": {"type": "Object", "defaultValue": {}},
    },
    "Lädt täglich (größe)": {"größe": {"type": "String"}, "日付": {"type": "String", "defaultValue": ""}},
    "traced": {"trace": {"type": "String", "defaultValue": ""}},
}
"""The declarations of the golden sets' pipelines."""

TYPE = "@odata.type"
"""The suffix that names a property's type, in the JSON of Table storage."""

TICKS, TICK_SECONDS = 30, 30
"""They cover the quarter of an hour in which the scenes' own outcome was observed."""

ENDED = frozenset({"Succeeded", "Failed", "Cancelled"})


@cache
def golden(file: str) -> dict[str, Any]:
    """The content of a file of every set: version → content."""
    return {path.name: json.loads((path / file).read_text("ascii")) for path in SETS}


def put_rows(connection: str, rows: list[dict[str, Any]]) -> str:
    """The name of a new table that holds the rows, byte for byte."""
    table = f"t{uuid4().hex}"
    open_table_ledger(StorageAccount(connection_string=connection), table=table).create_table_if_missing()
    assert {row[name] for row in rows for name in row if name.endswith(TYPE)} == {"Edm.String"}
    entities = [{name: row[name] for name in row if not name.endswith(TYPE)} for row in rows]
    with TableClient.from_connection_string(connection, table) as client:
        client.submit_transaction([("create", entity) for entity in entities])
    return table


def ledger_of(connection: str, rows: list[dict[str, Any]]) -> TableLedger:
    """The present ledger over rows of an earlier version."""
    return open_table_ledger(StorageAccount(connection_string=connection), table=put_rows(connection, rows))


def world_of(scene: dict[str, Any], connection: str) -> World:
    """The present service over the rows of a scene, at the instant at which the scene ended."""
    ledger = ledger_of(connection, scene["rows"])
    world = World(
        clock=MovingClock(datetime.fromisoformat(scene["at"])),
        settings=settings(**scene["settings"]),
        # The world's own can fail on command, which is not needed here.
        ledger=cast(FaultyLedger, ledger),
        declarations=cast(FaultyDeclarations, ledger.declarations()),
    )
    for pipeline, parameters in PIPELINES.items():
        world.factory.declare(pipeline, **parameters)
    world.factory.ids = Ids(scene["factory"]["ids"])
    for run in scene["factory"]["runs"]:
        world.factory.runs[UUID(run["run_id"])] = _run(run)
    return world


def _run(kept: dict[str, Any]) -> Run:
    instants = {name: datetime.fromisoformat(kept[name]) for name in ("updated", "created")}
    return Run(**{**kept, **instants, "run_id": UUID(kept["run_id"])})


def continued(world: World) -> None:
    """Let a quarter of an hour pass, and end the active runs well, as when the scenes' own outcome was observed.

    Once nothing is active, one tick stands for the remaining ones, which would have no work.
    A request that waits for its caller, since its secrets are not kept, reaches its deadline.
    """
    for number in range(TICKS):
        world.tick(after=TICK_SECONDS)
        if number >= 10:
            finish_all(world.factory)
            if not world.ledger.active(FACTORY_ID):
                world.tick(after=TICK_SECONDS * (TICKS - 1 - number))
                break
    if world.ledger.active(FACTORY_ID):
        for _ in range(2):
            world.tick(after=world.settings.start_deadline)


def finish_all(factory: MemoryFactory) -> None:
    """End every run well that has not ended."""
    for run_id, run in list(factory.runs.items()):
        if run.status not in ENDED:
            factory.finish(run_id)

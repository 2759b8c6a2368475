"""One story that the earlier code lives through over a real table, and what it leaves there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from azure.data.tables import TableClient

from adf_trigger.errors import PublishError
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.records import RunState
from tests.support.memory_factory import MemoryFactory
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

BEGINNING = datetime(2026, 1, 5, 12, 0, 0, 123_456, tzinfo=UTC)
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
EVERYTHING = {
    "text": 'Straße \U0001f600 "quoted" \\ \n\t\x00 \u2028 \',|/',
    "number": 1e300,
    "whole": -(2**53) - 1,
    "flag": True,
    "list": [1, 2.5, None, [], {}, "ü", 10**30, -0.0, 1e-7],
    "object": {"b": {"deep": [{"deeper": None}]}, "a": "", "": 0, "ключ": "значение"},
}
LABELS = {f"label-{number:02}": "wert-ü" * (number + 1) for number in range(20)}
FAILED = [
    {
        "activityName": f"Kopiere {number}",
        "activityType": "Copy",
        "status": "Failed",
        "error": {
            "errorCode": "2200",
            "failureType": "UserError",
            "message": f"The blob 'ü\U0001f600{number}' is missing. " * (1 + 50 * (number % 2)),
        },
    }
    for number in range(12)
]
QUEUE_DOWN = 1_000


class Killed(BaseException):
    """The process ends here."""


class Scene:
    """One story that the earlier code lives through, and what it has left in the table then."""

    def __init__(self, name: str, azurite: str, **changes: str) -> None:
        self.name = name
        self.changes = changes
        self.asked: list[dict[str, Any]] = []
        self._connection = azurite
        self._table = f"t{uuid4().hex}"
        self._killed_at: str | None = None
        ledger = open_table_ledger(table=self._table, connection_string=azurite)
        ledger.create_table_if_missing()
        self.world = World(
            settings=settings(**changes), ledger=ledger, declarations=ledger.declarations(), steps=self._steps
        )
        self.world.clock.now = BEGINNING
        for pipeline, parameters in PIPELINES.items():
            self.world.factory.declare(pipeline, **parameters)

    @property
    def factory(self) -> MemoryFactory:
        """The scene's Data Factory."""
        return self.world.factory

    @contextmanager
    def _steps(self, name: str) -> Iterator[None]:
        if self._killed_at == f"before {name}":
            raise Killed
        yield
        if self._killed_at == f"after {name}":
            raise Killed

    @contextmanager
    def killed(self, moment: str) -> Iterator[None]:
        """A process that ends `before` or `after` a step; the next one goes on."""
        self._killed_at = moment
        try:
            yield
        except Killed:
            pass
        else:
            raise RuntimeError(f"{self.name}: was not killed {moment}")
        finally:
            self._killed_at = None
        self.world.restart()

    def post(self, pipeline: str, key: str, body: dict[str, Any] | None = None, **headers: str) -> None:
        """Ask by HTTP."""
        asked = {"by": "http", "pipeline": pipeline, "key": key, "body": body or {}, "headers": headers}
        self.asked.append(asked)
        response = Caller(self.world).post(body or {}, pipeline=pipeline, Idempotency_Key=key, **headers)
        if response.status_code != 202:
            raise RuntimeError(f"{self.name}: {response.get_body()!r}")

    def message(self, body: dict[str, Any], message_id: str = "5a0b7c4e-7f0e-4a44-8d5c-1b2a3c4d5e6f") -> None:
        """Ask by queue."""
        key = body.get("requestId", message_id)
        self.asked.append({"by": "queue", "key": key, "body": body, "message_id": message_id})
        Caller(self.world).message(body, message_id=message_id)

    def key(self) -> str:
        """The key of what was asked last."""
        return str(self.asked[-1]["key"])

    def run_id(self) -> UUID:
        """The runId of what was asked last."""
        return self.world.services.query.find(self.key()).run_id

    def finish(self, status: str, **changes: Any) -> None:
        """End the run of what was asked last."""
        self.factory.finish(self.run_id(), status, **changes)

    def tick(self, times: int = 1, after: float = 15) -> None:
        """Let the timer have its way."""
        for _ in range(times):
            self.world.tick(after=after)

    def tick_without_events(self, times: int = 1, after: float = 15) -> None:
        """The same, while the events queue is out of reach."""
        self.world.outbox.before.extend(PublishError("the queue is out of reach") for _ in range(QUEUE_DOWN))
        self.tick(times, after)
        self.world.outbox.before.clear()

    def written(self) -> dict[str, Any]:
        """The scene as it is to be kept."""
        kept: dict[str, Any] = {
            "name": self.name,
            "settings": self.changes,
            "at": self.world.clock().isoformat(),
            "factory": {
                "ids": self.factory.ids.value,
                "runs": [
                    {
                        "run_id": str(run.run_id),
                        "pipeline": run.pipeline,
                        "parameters": run.parameters,
                        "updated": run.updated.isoformat(),
                        "created": run.created.isoformat(),
                        "status": run.status,
                        "message": run.message,
                        "failed": run.failed,
                    }
                    for run in self.factory.runs.values()
                ],
            },
            "rows": rows_of(self._connection, self._table),
            "requests": [],
        }
        for asked in self.asked:
            record = self.world.services.query.find(asked["key"])
            told = record.state is RunState.TOLD
            kept["requests"].append(
                {
                    **asked,
                    "view": json.loads(self.world.services.views.view(record).model_dump_json()),
                    "run_ids": [str(each) for each in record.run_ids],
                    "told": told,
                }
            )
        self.world.outbox.events.clear()
        self.world.restart()
        continued(self.world)
        for request in kept["requests"]:
            record = self.world.services.query.find(request["key"])
            if record.state is not RunState.TOLD:
                raise RuntimeError(f"{self.name}: {request['key']} does not come to its end")
            event = json.loads(self.world.services.views.event(record).model_dump_json())
            event["data"] = {
                name: event["data"][name] for name in ("requestId", "runId", "status", "message")
            }
            request["outcome"] = {
                "status": record.status,
                "event": event,
                "told_again": len([e for e in self.world.outbox.events if e.subject == request["key"]]),
            }
        kept["runs_in_the_end"] = len(self.factory.runs)
        return kept


def continued(world: World) -> None:
    """A quarter of an hour goes by; what runs then ends well. The tests let the same go by."""
    for number in range(30):
        world.tick(after=30)
        if number >= 10:
            for run in list(world.factory.runs.values()):
                if run.status not in {"Succeeded", "Failed", "Cancelled"}:
                    world.factory.finish(run.run_id)


def rows_of(connection: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table as the service writes them in JSON, each property with its EDM type."""
    kinds = {str: "Edm.String", bool: "Edm.Boolean", int: "Edm.Int32", float: "Edm.Double"}
    found = []
    with TableClient.from_connection_string(connection, table) as client:
        for entity in client.list_entities():
            row: dict[str, Any] = {}
            for name, value in entity.items():
                row[name] = value
                row[f"{name}@odata.type"] = kinds[type(value)]  # a type that is not named here is not written
            found.append(row)
    return found

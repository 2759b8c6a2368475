"""Writes the golden set: what the ledger and the queues hold, as the code of an earlier commit leaves it there.

Run with that commit's code, not with the present one (README.md beside this file says how):

    PYTHONPATH=<its work tree> python generate.py <folder for the files>
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from adf_trigger.declaration import Declaration, Declared
from rejected_queue import rejected
from scenes import scenes
from stage import rows_of

from adf_trigger.contracts import RunRequest
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.local.azurite import Azurite
from adf_trigger.service.digest import digest_of
from adf_trigger.service.news.views import RunViews
from tests.contracts.ledger_records import a_full_record
from tests.support.world import FACTORY_ID

DEEPEST = 3


def factories(azurite: str) -> Iterator[dict[str, Any]]:
    """A record with every field set, and a declaration, in factories whose ids a key cannot simply hold."""
    for group in ("rg", "rg-Loads_(prod).eu", "Größen", "İstanbul", "リソース"):
        table = f"t{uuid4().hex}"
        ledger = open_table_ledger(table=table, connection_string=azurite)
        ledger.create_table_if_missing()
        factory = FACTORY_ID.replace("/rg/", f"/{group}/")
        record = ledger.claim(a_full_record(factory)).stored.record
        pipeline = "Lädt täglich (größe)"
        ledger.declarations().put(
            factory, Declaration(pipeline, (Declared("größe", "string", required=True),))
        )
        view = RunViews({factory: "default"}).view(record)
        yield {
            "factory": factory,
            "pipeline": pipeline,
            "rows": rows_of(azurite, table),
            "view": json.loads(view.model_dump_json()),
        }


def any_value(chance: random.Random, depth: int = 0) -> Any:
    """Some JSON."""

    def text() -> str:
        letters = 'aZ ä€\U0001f600"\\\n\x00\x7f\u2028/'
        return "".join(chance.choice(letters) for _ in range(chance.randrange(9)))

    def deeper() -> Any:
        return any_value(chance, depth + 1)

    flat: list[Callable[[], Any]] = [
        lambda: None,
        lambda: chance.choice([True, False]),
        lambda: chance.randrange(-(10**20), 10**20),
        lambda: chance.choice([0.1, -0.0, 1e300, 5e-324, 1 / 3, 100.0, 1e16, 123456789.125]),
        text,
        text,
    ]
    deep: list[Callable[[], Any]] = [
        lambda: [deeper() for _ in range(chance.randrange(4))],
        lambda: {text(): deeper() for _ in range(chance.randrange(4))},
    ]
    return chance.choice(flat + deep if depth < DEEPEST else flat)()


def digests() -> Iterator[dict[str, Any]]:
    """Requests that use no field later than that commit's, each with its digest."""
    chance = random.Random(20_260_105)  # noqa: S311 - to be the same each time, not to be secret

    def case(pipeline: str, key: str, body: dict[str, Any], secure: tuple[str, ...] = ()) -> dict[str, Any]:
        request = RunRequest.model_validate_json(json.dumps(body), by_alias=True, by_name=False)
        secret = {name: json.dumps(request.parameters[name]) for name in secure if name in request.parameters}
        digest = digest_of(FACTORY_ID, pipeline, request, secret=secret, request_id=key)
        return {"pipeline": pipeline, "key": key, "body": body, "secure": list(secure), "digest": digest}

    yield case("load", "empty", {})
    yield case("load", "labels", {"correlationId": "c", "metadata": {"a": "b"}})
    yield case("load", "null", {"parameters": {"p": None}})
    yield case("load", "one", {"parameters": {"day": "2026-01-05"}})
    yield case("LoAd", "case", {"parameters": {"day": "2026-01-05"}})
    yield case("Lädt Größen", "umlaut", {"parameters": {"größe": "ß", "日付": "日"}})
    yield case("load", "order", {"parameters": {"b": 1, "a": {"d": 1, "c": 2}}})
    yield case("load", "numbers", {"parameters": {"i": 1, "f": 1.0, "e": 1e2, "big": 10**30, "neg": -0.0}})
    for name, value_ in (
        ("referencePipelineRunId", "2F7FDB90-5DF1-4B8E-AC2F-064CFA58202B"),
        ("isRecovery", True),
        ("isRecovery", False),
        ("startActivityName", "Kopiere ü"),
        ("startFromFailure", True),
        ("startFromFailure", False),
    ):
        yield case("load", f"{name}-{value_}"[:40].replace(" ", "").replace("ü", "u"), {name: value_})
    yield case("vault", "secret", {"parameters": {"password": "p-1"}}, ("password",))
    yield case("vault", "secret-2", {"parameters": {"password": "p-1"}}, ("password",))
    yield case(
        "vault",
        "secret-both",
        {"parameters": {"password": "ü", "Token": "t", "user": "u"}},
        ("password", "Token"),
    )
    for number in range(150):
        parameters = {f"p{n}": any_value(chance) for n in range(chance.randrange(5))}
        yield case("load", f"chance-{number}", {"parameters": parameters})


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(exist_ok=True, parents=True)
    with TemporaryDirectory() as logs, Azurite(log=Path(logs) / "azurite.log") as server:
        azurite = server.connection_string
        write(folder / "scenes.json", [scene.written() for scene in scenes(azurite)])
        write(folder / "rejected.json", rejected(azurite))
        write(folder / "factories.json", list(factories(azurite)))
    write(folder / "digests.json", list(digests()))


def write(path: Path, document: Any) -> None:
    """As JSON in ASCII, so that nothing on its way changes a character."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

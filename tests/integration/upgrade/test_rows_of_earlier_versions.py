"""The table of an earlier version: read, repeated, continued, published and purged by this one."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest

from adf_trigger.clock import utcnow
from adf_trigger.contracts import RunStatus
from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter
from adf_trigger.errors import Unavailable
from adf_trigger.service.factories import placed
from adf_trigger.service.news.views import RunViews
from tests.support.golden import continued, golden, ledger_of, world_of
from tests.support.memory_factory import MemoryFactory
from tests.support.world import World
from tests.unit.functions.conftest import Caller

SCENES = {
    f"{version}: {scene['name']}": scene
    for version, scenes in golden("scenes.json").items()
    for scene in scenes
}
FACTORIES = [each for factories in golden("factories.json").values() for each in factories]

Scene = dict[str, Any]
over_scenes = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)


def ask(world: World, request: dict[str, Any]) -> int:
    """Repeat a request: the status of the reply; by queue 200 where nothing was rejected."""
    if request["by"] == "http":
        headers = {"Idempotency_Key": request["key"], **request["headers"]}
        answer = caller_of(world).post(request["body"], pipeline=request["pipeline"], **headers)
        return int(answer.status_code)
    rejected = len(world.outbox.rejected)
    caller_of(world).message(request["body"], message_id=request["message_id"])
    return 422 if len(world.outbox.rejected) > rejected else 200


@cache
def caller_of(world: World) -> Caller:
    """The scene's app, created once: creating it costs more than most calls."""
    return Caller(world)


def shown(world: World, run: str) -> dict[str, Any]:
    """The reply of GET /runs/{run}."""
    answer = caller_of(world).get(run)
    assert answer.status_code == 200
    view: dict[str, Any] = json.loads(answer.get_body())
    return view


def refuse_reads(world: World) -> None:
    """A read of a run asks Data Factory about it: with that failing, the view comes from the rows."""
    world.factory.before["get_run"] = [Unavailable("not now", status=503) for _ in range(100)]


def same(view: Any, earlier: Any) -> bool:
    """Whether a view has all that the earlier version showed; it may have more fields and links."""
    if isinstance(earlier, dict):
        return all(name == "links" or same(view[name], earlier[name]) for name in earlier)
    if isinstance(earlier, list):
        return len(view) == len(earlier) and all(map(same, view, earlier))
    return bool(view == earlier)


def active(world: World) -> list[str]:
    """Keys of the active runs in every factory."""
    return [row.request_id for handle in world.services.factories for row in world.ledger.active(handle.id)]


@over_scenes
def test_a_record_is_read_unchanged(scene: Scene, azurite: str) -> None:
    """By its key and each of its runIds, each record shows what it showed; unpublished ones are active."""
    world = world_of(scene, azurite)
    refuse_reads(world)
    for request in scene["requests"]:
        for run in (request["key"], *request["run_ids"]):
            assert same(shown(world, run), request["view"])
    assert sorted(active(world)) == sorted(each["key"] for each in scene["requests"] if not each["told"])


@over_scenes
def test_runs_of_an_earlier_version_are_listed(scene: Scene, azurite: str) -> None:
    """Its rows of the listing are empty: each record is still listed with its state, and found by its status."""
    world = world_of(scene, azurite)
    refuse_reads(world)
    caller = caller_of(world)
    listed = json.loads(caller.call("list_runs", "GET", "runs").get_body())
    expected = {request["key"]: shown(world, request["key"]) for request in scene["requests"]}
    assert {run["requestId"] for run in listed["runs"]} == set(expected)
    assert (len(listed["runs"]), listed["continuation"]) == (len(expected), None)
    for run in listed["runs"]:
        assert run == {name: expected[run["requestId"]][name] for name in run}
        if run["status"] in list(RunStatus):
            found = json.loads(caller.call("list_runs", "GET", f"runs?status={run['status']}").get_body())
            assert run in found["runs"]


@over_scenes
def test_a_repeat_after_the_upgrade_is_a_replay(scene: Scene, azurite: str) -> None:
    """The same request gets the same run, another is a conflict; only a published rejection frees its key."""
    world = world_of(scene, azurite)
    refuse_reads(world)
    runs = len(world.factory.runs)
    for request in scene["requests"]:
        claimed_again = request["told"] and request["view"]["status"] == "Rejected"
        if request["by"] == "http" and not claimed_again:
            assert ask(world, {**request, "pipeline": "quick", "body": {"isRecovery": True}}) == 422
        assert ask(world, request) == (202 if claimed_again and request["by"] == "http" else 200)
        runs += claimed_again
        if not claimed_again:
            assert same(shown(world, request["key"]), request["view"])
    assert len(world.factory.runs) == runs


@over_scenes
def test_a_run_in_progress_ends_as_before(scene: Scene, azurite: str) -> None:
    """Each request ends as in the earlier version, is published as often, and is purged in time."""
    world = world_of(scene, azurite)
    continued(world)
    assert active(world) == []
    assert len(world.factory.runs) == scene["runs_in_the_end"]
    for request in scene["requests"]:
        outcome = request["outcome"]
        assert shown(world, request["key"])["status"] == outcome["status"]
        events = [event for event in world.outbox.events if event.subject == request["key"]]
        assert len(events) == outcome["told_again"]
        for event in events:
            published = json.loads(event.model_dump_json())
            expected = dict(outcome["event"])
            data = dict(expected.pop("data"))
            # Names were not escaped in it, which is no URI reference where they hold spaces and the like.
            factory, _, name = expected["source"].rpartition("/")
            expected["source"] = f"{factory}/{quote(name, safe='()')}"
            if request["view"]["status"] not in ("Succeeded", "Failed", "Cancelled", "Rejected", "Unknown"):
                assert published["id"].endswith(f"/{data['status']}")
                del expected["id"]  # this version has ended it, and no other can have published that
            if "cannot be sent again" in str(data["message"]):
                del data["message"]  # now it waits for its caller first, and its reason says so
                del expected["time"]
            assert same(published["data"], data)
            assert {name: published[name] for name in expected} == expected
    world.tick(after=100 * 24 * 3_600)
    for request in scene["requests"]:
        for run in (request["key"], *request["run_ids"]):
            assert caller_of(world).get(run).status_code == 404


@pytest.mark.parametrize("kept", FACTORIES, ids=lambda kept: kept["factory"].split("/")[4])
def test_a_factory_finds_its_rows(kept: dict[str, Any], azurite: str) -> None:
    """Whatever its resource id holds, and in whatever case it is configured, its record and declaration are found."""
    ledger = ledger_of(azurite, kept["rows"])
    key = kept["view"]["requestId"]
    for factory in (kept["factory"], kept["factory"].replace("resourceGroups", "RESOURCEGROUPS")):
        stored = ledger.get(factory, key)
        assert stored is not None
        view = RunViews(placed({"default": factory}, {}, {"default": MemoryFactory(utcnow)})).view(
            stored.record
        )
        assert same(json.loads(view.model_dump_json()), kept["view"])
        assert [row.request_id for row in ledger.active(factory)] == [key]
        declaration = ledger.declarations().get(factory, kept["pipeline"])
        assert declaration is not None
        assert [(each.name, each.required) for each in declaration.parameters] == [("größe", True)]


def test_the_last_poll_is_continued(azurite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first list of this version begins where the last poll of the earlier one ended."""
    scene = next(each for name, each in SCENES.items() if "the last poll stood" in name)
    world = world_of(scene, azurite)
    query = world.factory.query_runs
    asked: list[RunFilter] = []

    def query_and_note(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        asked.append(run_filter)
        return query(run_filter, **sifting)

    monkeypatch.setattr(world.factory, "query_runs", query_and_note)
    world.tick(after=15)
    polled_until = datetime.fromisoformat(scene["at"])
    assert asked[0].last_updated_after == polled_until - timedelta(seconds=world.settings.poll_overlap)


def test_a_declaration_serves_in_an_outage(azurite: str) -> None:
    """The declaration stored by the earlier version lets this one check and accept requests in an outage."""
    scene = next(each for name, each in SCENES.items() if "submitted, seen in progress" in name)
    world = world_of(scene, azurite)
    for _ in range(4):
        world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    caller = caller_of(world)
    assert caller.post({"parameters": {"day": "x"}}, Idempotency_Key="new-1").status_code == 202
    assert caller.post({"parameters": {"other": "x"}}, Idempotency_Key="new-2").status_code == 400


@pytest.mark.parametrize("version", golden("scenes.json"))
def test_the_scenes_have_every_state(version: str) -> None:
    """Every status is there, published and not, and every field of a view is set in one of them."""
    requests = [each for scene in golden("scenes.json")[version] for each in scene["requests"]]
    for status in ("Succeeded", "Failed", "Cancelled", "Rejected", "Unknown"):
        assert {each["told"] for each in requests if each["view"]["status"] == status} == {True, False}
    assert {"Accepted", "Queued", "InProgress"} < {each["view"]["status"] for each in requests}
    said = {name for each in requests for name, value in each["view"].items() if value}
    assert {*requests[0]["view"]} - said <= {"durationMs"}, "which the factory in memory does not report"


@pytest.mark.parametrize("version", golden("scenes.json"))
def test_no_row_holds_a_secret(version: str) -> None:
    """No value of a secure parameter was ever written."""
    for scene in golden("scenes.json")[version]:
        assert "secret-value" not in json.dumps(scene["rows"])
        assert "secret-value" not in json.dumps([each["view"] for each in scene["requests"]])

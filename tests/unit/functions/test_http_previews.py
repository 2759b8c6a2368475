"""`validateOnly` shows what would happen to a request now: it decides as a start does, and keeps nothing."""

import json
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import LedgerError
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import ActivePage
from adf_trigger.ledger.records import RunState
from tests.support.admitted import declare, found, policy, seen_to_end, start, with_policy
from tests.support.faulty_ledger import FaultyLedger
from tests.support.holding import hold
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller


def a_world(**admission: Any) -> World:
    """A service that runs one run of a customer at a time, and has one of A."""
    world = World(settings=with_policy(policy(**admission)))
    declare(world)
    start(world, "first")
    return world


def posted(world: World, query: str = "", *, key: str | None = None, **parameters: str) -> func.HttpResponse:
    """The answer to a start."""
    body = json.dumps({"parameters": {"customer": "A", **parameters}}).encode()
    headers = {} if key is None else {"Idempotency_Key": key}
    return Caller(world).call("start_run", "POST", f"pipelines/load/runs{query}", body=body, **headers)


def asked(world: World, *, key: str | None = None, **parameters: str) -> func.HttpResponse:
    """The answer to a preview."""
    return posted(world, "?validateOnly=true", key=key, **parameters)


def previewed(world: World, *, key: str | None = None, **parameters: str) -> dict[str, Any]:
    """The outcome that a preview shows; nothing is kept of it."""
    before = everything_kept(world)
    response = asked(world, key=key, **parameters)
    assert response.status_code == 200, response.get_body()
    assert everything_kept(world) == before
    document: dict[str, Any] = json.loads(response.get_body())
    return document


def everything_kept(world: World) -> Any:
    """All that is kept or was sent."""
    page = world.ledger.runs(FACTORY_ID, since=None, limit=1_000, continuation=None)
    return (
        [repr(record) for record in page.records],
        [repr(kept) for kept in world.ledger.all_places(FACTORY_ID)],
        list(world.factory.runs),
        list(world.outbox.events),
    )


def test_it_would_be_started_where_a_place_is_free() -> None:
    """Nothing else is shown in that case."""
    preview = previewed(a_world(), customer="B")
    assert preview["outcome"] == "start"
    assert [preview[name] for name in ("message", "hold", "inLine", "joinedTo", "inTheWay", "run")] == [
        *[None] * 4,
        [],
        None,
    ]


def test_it_would_wait_behind_waiting_requests() -> None:
    """The number is shown; an end that no tick has seen yet counts as active, as it does for a start."""
    world = a_world()
    assert previewed(world)["inLine"] == {"before": 0, "exact": True}
    for key in ("second", "third"):
        start(world, key)
    world.clock.forward(5)
    preview = previewed(world)
    assert (preview["outcome"], preview["inLine"]) == ("wait", {"before": 2, "exact": True})
    assert preview["message"] == (
        'it waits for a place: at most 1 run of load with parameters.customer = "A" may be in progress at once'
    )
    assert previewed(world, customer="B")["outcome"] == "start"


def test_it_would_be_refused_with_the_blocking_runs() -> None:
    """The preview is 200; a start would be answered 409 with the same runs."""
    world = a_world(overflow="refuse")
    preview = previewed(world)
    assert (preview["outcome"], preview["inLine"]) == ("refuse", None)
    refused = posted(world)
    problem = json.loads(refused.get_body())
    assert (refused.status_code, problem["detail"]) == (409, preview["message"])
    assert [each["requestId"] for each in preview["inTheWay"]] == ["first"]
    assert preview["inTheWay"] == problem["inTheWay"]


def test_it_would_join_the_run_of_the_same_request() -> None:
    """That request is named; one with other parameters would wait."""
    world = a_world(overflow="join")
    preview = previewed(world)
    run_id = str(found(world, "first").run_id)
    assert (preview["outcome"], preview["joinedTo"]) == ("join", {"requestId": "first", "runId": run_id})
    preview = previewed(world, secret="hush")
    assert (preview["outcome"], preview["inLine"]) == ("wait", None)  # only its caller can start it
    assert "hush" not in json.dumps(preview)


@pytest.mark.parametrize("admission", [{}, {"overflow": "refuse"}, {"overflow": "join"}])
def test_it_would_be_held(admission: dict[str, Any]) -> None:
    """The hold is shown with operator, reason and end; under any policy for full places it would stand in line."""
    world = a_world(**admission)
    hold(world, "load")
    preview = previewed(world, customer="B")
    assert preview["outcome"] == "held"
    until = (world.clock.now + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert (preview["hold"]["pipeline"], preview["hold"]["until"]) == ("load", until)
    assert preview["hold"]["reason"] in preview["message"]
    assert preview["inLine"] == {"before": 0, "exact": True}


def test_it_would_be_held_without_a_line_where_nothing_is_counted() -> None:
    """The pipeline has no admission policy."""
    world = World()
    world.factory.declare("load", customer={"type": "String", "defaultValue": ""})
    hold(world)
    preview = previewed(world)
    assert (preview["outcome"], preview["inLine"]) == ("held", None)


def test_a_repeat_is_shown_as_a_repeat_in_any_state() -> None:
    """Its run is shown, and its position in line."""
    world = a_world()
    start(world, "second")
    world.clock.forward(5)
    preview = previewed(world, key="second")
    assert (preview["outcome"], preview["run"]["inLine"]) == ("repeat", {"before": 0, "exact": True})
    assert preview["inLine"] is None


@pytest.mark.parametrize(
    "admission",
    [{}, {"overflow": "refuse"}, {"overflow": "join"}, {"at_once": 2}, {"countOthers": True}, {"key": None}],
)
def test_a_start_does_what_the_preview_shows(admission: dict[str, Any]) -> None:
    """This holds through free places, lines, and an end that no tick has seen."""
    world = World(settings=with_policy(policy(**admission)))
    declare(world)
    for number in range(8):
        preview = previewed(world)["outcome"]
        assert preview == outcome_of(world, f"k{number}", posted(world, key=f"k{number}")), number
        if number == 2 and world.factory.runs:
            seen_to_end(world, next(each for each in ("k0", "k1") if found(world, each).submitted_at))
        if number == 5:
            world.tick(after=30)


def outcome_of(world: World, key: str, answer: func.HttpResponse) -> str:
    """The outcome of a request with that answer, in the terms of a preview."""
    if answer.status_code == 409:
        return "refuse"
    record = found(world, key)
    if record.state is RunState.SUBMITTED:
        return "start"
    return "join" if record.joined_to else "wait"


@pytest.mark.parametrize("lost", ["places", "some_active"])
def test_where_the_ledger_does_not_answer_there_is_no_preview(lost: str) -> None:
    """A start would get the same error."""

    class Lost(FaultyLedger):
        def places(self, factory: str, name: str) -> KeptPlaces | None:
            self._lose("places")
            return super().places(factory, name)

        def some_active(self, factory: str, *, limit: int) -> ActivePage:
            self._lose("some_active")
            return super().some_active(factory, limit=limit)

        def _lose(self, what: str) -> None:
            if what == lost and started:
                raise LedgerError("out of reach")

    started = False
    world = World(settings=with_policy(policy()), ledger=Lost())
    declare(world)
    start(world, "first")
    started = True
    assert asked(world).status_code == 503

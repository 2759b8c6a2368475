"""GET /runs: what is listed, page by page, and the faults of a query."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adf_trigger.contracts import RunStatus
from adf_trigger.errors import BadRequest, LedgerError, UnknownOutcome
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

OTHER = FACTORY_ID + "-2"


def asked(caller: Caller, **params: Any) -> func.HttpResponse:
    """GET /runs with parameters."""
    request = func.HttpRequest(
        "GET", "http://host/api/runs", params={name: str(value) for name, value in params.items()}, body=b""
    )
    return caller.ask("list_runs", request)


def listed(caller: Caller, **params: Any) -> Any:
    """The page of the answer."""
    answer = asked(caller, **params)
    assert answer.status_code == 200, answer.get_body()
    return json.loads(answer.get_body())


def all_of(caller: Caller, **params: Any) -> list[dict[str, Any]]:
    """All pages together."""
    pages = [listed(caller, **params)]
    while pages[-1]["continuation"]:
        pages.append(listed(caller, **params, continuation=pages[-1]["continuation"]))
        assert len(pages) < 100
    return [run for page in pages for run in page["runs"]]


def keys(runs: list[dict[str, Any]]) -> list[str]:
    """Their request ids."""
    return [run["requestId"] for run in runs]


def faults(answer: func.HttpResponse) -> dict[str, str]:
    """The faults of a 400: pointer → message."""
    problem = json.loads(answer.get_body())
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (400, "invalid-request")
    return {each["pointer"]: each["message"] for each in problem["errors"]}


def with_two(world: World) -> MemoryFactory:
    """Two factories, configured as a and b."""
    other = MemoryFactory(world.clock)
    other.declare("load")
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (OTHER, other)})
    return other


def one_of_each(caller: Caller, world: World) -> None:
    """A run in every status, a minute apart, and a rejected message, the newest last."""
    for status in ("Succeeded", "Failed", "Cancelled"):
        caller.post({"correlationId": "c-1"}, Idempotency_Key=status)
        world.factory.finish(world.services.query.find(status).run_id, status, message="why")
        world.tick(after=60)
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    caller.message({"pipeline": "load", "requestId": "Rejected"})
    world.tick(after=60)
    caller.message({"surprise": 1}, inserted_at=world.clock())
    world.clock.forward(60)
    caller.post({}, Idempotency_Key="InProgress")
    world.tick(after=60)
    assert json.loads(caller.get("InProgress").get_body())["status"] == "InProgress"
    caller.post({}, Idempotency_Key="Queued")


def test_all_requests_are_listed_newest_first_as_get_shows_them(caller: Caller, world: World) -> None:
    """Runs in every status, rejected requests, and a rejected message are listed once, as their links show them."""
    one_of_each(caller, world)
    runs = all_of(caller)
    assert [run["status"] for run in runs] == [
        "Queued",
        "InProgress",
        "Rejected",
        "Rejected",
        "Cancelled",
        "Failed",
        "Succeeded",
    ]
    for run in runs:
        shown = json.loads(caller.follow(run["links"]["self"]).get_body())
        assert run == {name: shown[name] for name in run}
    assert [run["messageId"] for run in runs if run["status"] == "Rejected"] == ["m-1", None]


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Failed", ["Failed"]),
        ("failed,SUCCEEDED", ["Failed", "Succeeded"]),
        ("Rejected", ["Rejected", "Rejected"]),
        ("InProgress, Queued", ["Queued", "InProgress"]),
        ("Queued,Cancelled", ["Queued", "Cancelled"]),
        ("Unknown", []),
    ],
)
def test_statuses_are_given_with_commas(
    caller: Caller, world: World, status: str, expected: list[str], limit: int
) -> None:
    """Several may be given, in any letter case, on pages of any size."""
    one_of_each(caller, world)
    assert [run["status"] for run in all_of(caller, status=status, limit=limit)] == expected


def test_an_unknown_outcome_is_listed(caller: Caller, world: World) -> None:
    """The operator who decides finds it, with its reason."""
    world.factory.always["*"] = UnknownOutcome("lost")
    caller.post({}, Idempotency_Key="k")
    for _ in range(3):
        world.tick(after=100_000)
    (run,) = listed(caller, status="Unknown")["runs"]
    assert (run["requestId"], run["status"], run["ended"]) == ("k", "Unknown", True)
    assert run["reason"]


def test_runs_are_found_by_pipeline_correlation_and_time(caller: Caller, world: World) -> None:
    """The filters work alone and together; since is inclusive, until is not."""
    world.factory.declare("copy")
    for n in range(6):
        body = {"correlationId": "c-1"} if n % 2 else {}
        caller.post(body, pipeline="copy" if n > 2 else "load", Idempotency_Key=f"k-{n}")
        world.clock.forward(60)
    at = [(world.clock() - timedelta(minutes=6 - n)).isoformat() for n in range(6)]
    assert keys(all_of(caller, pipeline="COPY", limit=2)) == ["k-5", "k-4", "k-3"]
    assert keys(all_of(caller, correlationId="c-1", limit=2)) == ["k-5", "k-3", "k-1"]
    assert keys(all_of(caller, since=at[2], until=at[4], limit=1)) == ["k-3", "k-2"]
    assert keys(all_of(caller, since=at[4].replace("+00:00", "Z"))) == ["k-5", "k-4"]
    assert keys(all_of(caller, since=at[4].replace("+", " "))) == ["k-5", "k-4"]
    assert keys(all_of(caller, pipeline="load", correlationId="c-1", until=at[5])) == ["k-1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_all_factories_are_merged_including_those_that_have_left(
    caller: Caller, world: World, limit: int
) -> None:
    """The newest come first over all, ties included; one alone is listed by alias or resource id."""
    with_two(world)
    for n in range(6):
        caller.post({"factory": "ab"[n % 2]}, Idempotency_Key=f"k-{n // 2}")
        world.clock.forward(60 * (n % 2))
    expected = [("k-2", "b"), ("k-2", "a"), ("k-1", "b"), ("k-1", "a"), ("k-0", "b"), ("k-0", "a")]
    runs = all_of(caller, limit=limit)
    assert [run["requestedAt"] for run in runs] == sorted((run["requestedAt"] for run in runs), reverse=True)
    assert sorted((run["requestId"], run["factory"]) for run in runs) == sorted(expected)
    assert keys(all_of(caller, factory="b", limit=limit)) == ["k-2", "k-1", "k-0"]
    assert keys(all_of(caller, factory=OTHER.upper(), limit=limit)) == ["k-2", "k-1", "k-0"]
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory)})
    world.clock.forward(120)
    assert len(all_of(caller, limit=limit)) == 6
    assert [run["factory"] for run in all_of(caller, factory=OTHER, limit=limit)] == [OTHER] * 3
    assert "no factory of that alias" in faults(asked(caller, factory="nobody"))["factory"]


def test_a_moved_factory_is_one_factory(caller: Caller, world: World) -> None:
    """Requests under its old id and its new one are in one list, under its alias."""
    new = FACTORY_ID + "-moved"
    caller.post({}, Idempotency_Key="before")
    world.clock.forward(60)
    world.services = restarted(world, {"default": (new, world.factory)})
    caller.post({}, Idempotency_Key="between")
    world.clock.forward(60)
    world.services = restarted(world, {"default": (new, world.factory)}, {FACTORY_ID: "default"})
    caller.post({}, Idempotency_Key="after")
    for question in ({}, {"factory": "default"}, {"limit": 1}):
        runs = all_of(caller, **question)
        assert keys(runs) == ["after", "between", "before"]
        assert {run["factory"] for run in runs} == {"default"}
    assert keys(all_of(caller, factory=new)) == ["between"]


def test_keys_in_any_language_are_listed(caller: Caller) -> None:
    """They are paged, with links that lead back, ids that a key of storage cannot hold among them."""
    given = ["manual__2026-11-25T06:00:00+00:00", "größe/日付 1.csv", "ü" * 255, "🙂" * 120, "~2F", "a b"]
    for key in given:
        caller.message({"pipeline": "load", "requestId": key})
    runs = all_of(caller, limit=1)
    assert sorted(keys(runs)) == sorted(given)
    for run in runs:
        shown = json.loads(caller.follow(run["links"]["self"]).get_body())
        assert shown["requestId"] == run["requestId"]


def test_a_rejected_message_is_listed_under_its_factory(caller: Caller, world: World) -> None:
    """One without a known factory is only in the list of all."""
    with_two(world)
    caller.message({"pipeline": "load", "factory": "b", "surprise": 1}, message_id="of-b")
    caller.message(b"nonsense", message_id="of-none")
    assert sorted(run["messageId"] for run in all_of(caller)) == ["of-b", "of-none"]
    assert [run["messageId"] for run in all_of(caller, factory="b")] == ["of-b"]
    assert all_of(caller, factory="a") == []
    assert [run["messageId"] for run in all_of(caller, pipeline="load")] == ["of-b"]


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    limit=st.integers(1, 7),
    arrivals=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 0.000001, 60])), max_size=12),
    status=st.sampled_from([None, "Queued", "Rejected", "Queued,Rejected"]),
)
def test_no_run_is_lost_or_repeated_while_others_arrive(
    limit: int, arrivals: list[tuple[str, float]], status: str | None
) -> None:
    """Whatever arrives between pages, each earlier run is listed once, and in order."""
    world = World()
    world.factory.declare("load")
    with_two(world)
    caller = Caller(world)
    for number, (factory, seconds) in enumerate(arrivals):
        caller.post({"factory": factory}, Idempotency_Key=f"k-{number}")
        if number % 3 == 0:
            caller.message({"surprise": number}, message_id=f"m-{number}", inserted_at=world.clock())
        world.clock.forward(seconds)
    params = {"limit": limit} | ({"status": status} if status else {})
    before = all_of(caller, **params)
    seen: list[dict[str, Any]] = []
    continuation: str | None = ""
    number = 0
    while continuation is not None:
        page = listed(caller, **params, **({"continuation": continuation} if continuation else {}))
        assert len(page["runs"]) <= limit
        seen += page["runs"]
        continuation = page["continuation"]
        number += 1
        world.clock.forward(1)
        caller.post({"factory": "ab"[number % 2]}, Idempotency_Key=f"new-{number}")
    assert [run["links"]["self"] for run in seen] == [run["links"]["self"] for run in before]


def test_all_faults_of_a_query_are_listed_together(caller: Caller) -> None:
    """Unknown names with the nearest known, unknown statuses, times without a zone, numbers beyond bounds."""
    found = faults(
        asked(
            caller,
            correlationID="x",
            status="Faild,Succeeded",
            since="2026-11-26T06:00:00",
            until="yesterday",
            limit="0",
            pipeline="a/b",
            correlationId="c" * 257,
        )
    )
    assert "is correlationId meant?" in found["correlationID"]
    assert "is Failed meant?" in found["status"]
    assert "time zone" in found["since"]
    assert "is not a valid time" in found["until"]
    assert found["limit"] == "must be a whole number from 1 to 200"
    assert "pipeline" in found["pipeline"]
    assert "at most 256" in found["correlationId"]


@pytest.mark.parametrize("value", ["201", "-1", "1.5", "٣", "", "9" * 19])
def test_a_limit_is_bounded(caller: Caller, value: str) -> None:
    """It is from 1 to 200."""
    url = f"http://host/api/runs?limit={value}"
    answer = caller.ask("list_runs", func.HttpRequest("GET", url, body=b""))
    assert "limit" in faults(answer)


@pytest.mark.parametrize(
    "since",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-26", "2026-13-01T00:00:00Z", "x"],
)
def test_an_invalid_time_is_a_fault(caller: Caller, since: str) -> None:
    """So is one that has no equivalent in UTC."""
    assert "since" in faults(asked(caller, since=since))


def test_since_is_before_until(caller: Caller) -> None:
    """A query without possible results is a typing error."""
    at = "2026-11-26T06:00:00Z"
    assert faults(asked(caller, since=at, until=at)) == {"since": "must be before until"}


def test_a_repeated_parameter_is_a_fault_except_the_status(caller: Caller, world: World) -> None:
    """The platform joins values by commas, so that the intended one is not known."""
    one_of_each(caller, world)

    def ask(query: str, **params: str) -> func.HttpResponse:
        url = f"http://host/api/runs?{query}"
        return caller.ask("list_runs", func.HttpRequest("GET", url, params=params, body=b""))

    answer = ask("pipeline=a&pipeline=b&limit=1", pipeline="a,b", limit="1")
    assert faults(answer) == {"pipeline": "is given more than once"}
    answer = ask("status=Failed&status=Queued", status="Failed,Queued")
    assert keys(json.loads(answer.get_body())["runs"]) == ["Queued", "Failed"]


def a_continuation(caller: Caller, world: World, **params: Any) -> str:
    """The continuation of a page."""
    for n in range(4):
        caller.post({}, Idempotency_Key=f"k-{n}")
        world.clock.forward(60)
    given: str = listed(caller, limit=2, **params)["continuation"]
    return given


def test_a_continuation_is_for_its_own_query(caller: Caller, world: World) -> None:
    """With other parameters it is a fault; with another limit it is not."""
    given = a_continuation(caller, world, pipeline="load")
    assert keys(listed(caller, pipeline="LOAD", limit=9, continuation=given)["runs"]) == ["k-1", "k-0"]
    for other in ({}, {"pipeline": "copy"}, {"pipeline": "load", "status": "Queued"}):
        found = faults(asked(caller, **other, continuation=given))
        assert "with the same parameters" in found["continuation"]


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_modified_continuation_is_a_fault(data: st.DataObject) -> None:
    """Cut, changed in any character, made up, or too long, it is answered by a sentence, and never by another page."""
    world = World()
    world.factory.declare("load")
    caller = Caller(world)
    given = a_continuation(caller, world)
    position = data.draw(st.integers(0, len(given) - 1))
    character = data.draw(st.characters(codec="utf-8", exclude_characters="\x00"))
    mangled = data.draw(
        st.sampled_from(
            [
                given[:position],
                given[:position] + character + given[position + 1 :],
                given + character,
                given * 50,
                given + "=",
                given.upper(),
            ]
        )
        | st.text(min_size=1)
        | st.binary(min_size=1, max_size=80).map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("="))
    )
    if mangled != given:
        assert "continuation" in faults(asked(caller, continuation=mangled)) or not mangled.strip()


def test_a_continuation_reveals_no_name(caller: Caller, world: World) -> None:
    """It is bounded, and does not name a factory."""
    given = a_continuation(caller, world)
    assert len(given) < 700
    assert b"factor" not in urlsafe_b64decode(given + "=" * (-len(given) % 4))


def test_a_ledger_out_of_reach_is_503(caller: Caller, world: World) -> None:
    """The list behaves as the other calls."""

    def fail(*_: object, **__: object) -> Any:
        raise LedgerError("down")

    world.ledger.listing = fail  # type: ignore[method-assign]  # an outage
    answer = asked(caller)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


def test_a_list_makes_no_call_of_data_factory(caller: Caller, world: World) -> None:
    """This holds for runs of any age."""
    one_of_each(caller, world)
    world.clock.forward(86_400)
    world.factory.calls.clear()
    assert all_of(caller, limit=2)
    assert world.factory.calls == []


def test_a_message_of_invalid_text_is_listed_and_shown(caller: Caller, world: World) -> None:
    """Half a surrogate pair in it makes no answer fail."""
    caller.message(
        b'{"pipeline": "lo\\ud800ad", "correlationId": "\\udfff", "metadata": {"\\ud800": "\\ud800"}}'
    )
    (run,) = listed(caller)["runs"]
    assert (run["status"], run["pipeline"]) == ("Rejected", "lo\ufffdad")
    assert caller.get("m-1").status_code == 200
    assert world.outbox.events[0].data.message_id == "m-1"


def test_every_status_can_be_filtered_for(caller: Caller) -> None:
    """They are all statuses of a view, except undocumented ones of Data Factory."""
    for status in RunStatus:
        assert listed(caller, status=status) == {"runs": [], "continuation": None}

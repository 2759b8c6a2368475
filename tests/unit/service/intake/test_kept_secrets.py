"""A kept rejected message has no value of a SecureString, as far as the secure parameters are known."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import BadRequest, Throttled, TryLater, Unavailable
from adf_trigger.messages.masking import MASK, masked, unmasked
from tests.support.world import World
from tests.unit.functions.conftest import Caller

SECRET = "hush-hush"


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline with a password."""
    world = World()
    day = {"type": "String", "defaultValue": ""}
    world.factory.declare("load", day=day, password={"type": "SecureString", "defaultValue": ""})
    return world


def everything_kept(world: World) -> str:
    """All text that outlives the function."""
    return "".join(
        [
            *(repr(kept) for kept in world.kept()),
            *(message.model_dump_json() for message in world.outbox.rejected),
            *(event.model_dump_json() for event in world.outbox.events),
        ]
    )


@pytest.mark.parametrize(
    "message",
    [
        {"pipeline": "load", "parameters": {"password": SECRET, "no": 1}},
        {"pipeline": "load", "parameters": {"PassWord": SECRET}, "surprise": 1},
        {"pipeline": "load", "password": SECRET},
        {"pipeline": "load", "Parameters": {"password": SECRET}},
        {"Pipeline": "load", "parameters": {"password": SECRET}},
        {"pipeline": "LOAD", "parameters": {"password": {"deep": [SECRET]}}},
        {"pipeline": "load", "factory": "nowhere", "parameters": {"password": SECRET}},
        {"data": {"password": SECRET}, "pipeline": "load"},
    ],
)
@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["plain", "base64"])
def test_a_secret_beside_another_fault_is_masked(world: World, message: dict[str, Any], encode: Any) -> None:
    """It is masked at any place and in any case of its name; the mask names it, and all else stays."""
    Caller(world).message(encode(json.dumps({**message, "note": "n"}).encode()))
    (kept,) = world.kept()
    assert [name.lower() for name in kept.masked] == ["password"]
    assert SECRET not in everything_kept(world)
    assert json.loads(kept.body)["note"] == "n"
    (copy,) = world.outbox.rejected
    assert copy.masked == list(kept.masked)


def test_a_secret_is_masked_in_an_outage_by_the_known_declaration(world: World) -> None:
    """It is the pipeline's last known one."""
    world.submit("teacher")
    world.clock.forward(3600)
    world.factory.before["get_pipeline"] = [Unavailable("down", status=503)] * 9
    Caller(world).message({"pipeline": "load", "parameters": {"password": SECRET}, "surprise": 1})
    assert [kept.masked for kept in world.kept()] == [("password",)]
    assert SECRET not in everything_kept(world)


def test_no_call_is_spent_on_a_message_without_names(world: World) -> None:
    """Where nothing can be secret Data Factory is not asked, and a factory that is throttling never is."""
    Caller(world).message({"pipeline": "load", "factory": 3})
    assert world.factory.calls == []
    world.factory.fail_next("get_pipeline", Throttled("slow", retry_after=60))
    with pytest.raises(TryLater):
        world.submit("teacher", parameters={"day": "monday"})
    before = len(world.factory.calls)
    Caller(world).message({"pipeline": "load", "parameters": {"password": SECRET}, "surprise": 1})
    assert len(world.factory.calls) == before


def test_a_message_of_an_unknown_pipeline_is_kept_whole(world: World) -> None:
    """Without a declaration the secrets are not known, and a replay needs the bytes."""
    body = b'{"pipeline":"nowhere","parameters":{"password":"hush-hush"}}'
    Caller(world).message(body)
    assert [(kept.body, kept.masked) for kept in world.kept()] == [(body, ())]


def test_a_request_that_data_factory_rejects_is_kept_masked(world: World) -> None:
    """The mask takes the place of the secret in the record, the copy and the event."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    message = {"pipeline": "load", "requestId": "k", "parameters": {"day": "monday", "password": SECRET}}
    Caller(world).message(message)
    assert world.status("k") == "Rejected"
    (kept,) = world.kept()
    assert json.loads(kept.body)["parameters"] == {"day": "monday", "password": MASK}
    assert kept.masked == ("password",)
    assert SECRET not in everything_kept(world)


NAMES = st.sampled_from(["password", "Token", "day", "pipeline", "a"])
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.text(max_size=3) | st.just(SECRET),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
)


@given(document=DOCUMENTS, value=st.text(max_size=3))
def test_masked_values_are_replaced_on_replay(document: dict[str, Any], value: str) -> None:
    """The given values stand where the masks stood, and nothing else has changed."""
    without, names = masked(document, ["PASSWORD", "token"])
    restored = unmasked(without, names, dict.fromkeys(names, value))
    again, names_again = masked(restored, ["password", "token"])
    assert (again, set(names_again)) == (without, set(names))
    if not names:
        assert without == document

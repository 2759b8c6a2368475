"""What pipelines declare outlives the process that read it, and a failure to keep it fails no request."""

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    CredentialError,
    InvalidRequest,
    LedgerError,
    NotSent,
    ResourceNotFound,
    TryLater,
    Unavailable,
)
from adf_trigger.messages.declaration import Declaration, Declared
from tests.support.world import FACTORY_ID, STARTED, World

STRING = {"type": "String"}
SECRET = {"type": "SecureString"}


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline with a required, an optional and a secure parameter."""
    world = World()
    world.factory.declare(
        "Load",
        day=STRING,
        Count={"type": "Int", "defaultValue": 7},
        token={**SECRET, "defaultValue": "hunter2-default"},
    )
    return world


def down(world: World) -> None:
    """Data Factory answers nothing from now on."""
    for operation in ("get_pipeline", "create_run", "get_run", "query_runs"):
        error = NotSent("down") if operation == "create_run" else Unavailable("down", status=503)
        world.factory.before[operation] = [error] * 20


def up(world: World) -> None:
    """Data Factory answers again."""
    world.factory.before.clear()


def learn_and_restart(world: World) -> None:
    """Have one process read the pipeline, and continue with another while Data Factory is down."""
    world.submit("teacher", "Load", parameters={"day": "sunday"})
    world.restart()
    down(world)


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The logged actions."""
    return [getattr(record, "action", "") for record in caplog.records]


def test_names_types_and_required_parameters_are_kept(world: World) -> None:
    """Default values, which may be secrets, are not kept."""
    world.submit(pipeline="load", parameters={"day": "sunday"})
    kept = world.declarations.get(FACTORY_ID, "LOAD")
    assert kept == Declaration(
        "Load",
        (
            Declared("day", "string", required=True),
            Declared("Count", "int", required=False),
            Declared("token", "securestring", required=False),
        ),
    )
    assert "hunter2" not in repr(vars(world.declarations))


def test_a_new_process_accepts_a_request_in_an_outage(world: World) -> None:
    """The declaration that another process read is enough to accept parameters; the run is started once afterwards."""
    learn_and_restart(world)
    record = world.submit("in-outage", "load", parameters={"DAY": "monday", "count": 3}).record
    assert record.status == "Accepted"
    up(world)
    world.tick(after=60)
    assert world.status("in-outage") in STARTED
    assert len(world.factory.runs) == 2


def test_a_new_process_refuses_a_wrong_request_in_an_outage(world: World) -> None:
    """All faults are named together, and nothing is claimed."""
    learn_and_restart(world)
    before = len(world.ledger.active(FACTORY_ID))
    with pytest.raises(InvalidRequest) as caught:
        world.submit("wrong", "load", parameters={"count": "three", "surprise": 1})
    assert {fault.pointer for fault in caught.value.faults} == {
        "/parameters/day",
        "/parameters/count",
        "/parameters/surprise",
    }
    assert len(world.ledger.active(FACTORY_ID)) == before


def test_a_wrong_message_waits_for_the_end_of_the_outage(world: World) -> None:
    """A message would be refused for good, so it is checked against the pipeline as it is, and not as it was."""
    learn_and_restart(world)
    with pytest.raises(TryLater):
        world.submit("early", "load", source=Source.QUEUE, parameters={"day": "monday", "new": 1})
    up(world)
    world.factory.declare("load", day=STRING, new={"type": "Int"})
    record = world.submit("early", "load", source=Source.QUEUE, parameters={"day": "monday", "new": 1}).record
    assert record.status == "Queued"


@pytest.mark.parametrize("restarted", [True, False], ids=["new process", "same process"])
def test_secrets_are_not_accepted_in_an_outage(world: World, *, restarted: bool) -> None:
    """A request with a secure parameter is put off before anything of it is written."""
    world.submit("teacher", "load", parameters={"day": "sunday"})
    if restarted:
        world.restart()
    world.clock.forward(3600)
    down(world)
    before = len(world.ledger.active(FACTORY_ID))
    with pytest.raises(TryLater):
        world.submit("secret", "load", parameters={"day": "monday", "token": "hunter2"})
    assert world.factory.calls.count("create_run") == 1
    assert len(world.ledger.active(FACTORY_ID)) == before
    up(world)
    record = world.submit("secret", "load", parameters={"day": "monday", "token": "hunter2"}).record
    assert record.status == "Queued"


def test_a_declaration_is_written_when_it_has_changed_and_not_at_every_request(world: World) -> None:
    """There is one write per process, and one more for each new version of the pipeline."""
    for number in range(5):
        world.submit(f"a-{number}", "load", parameters={"day": "sunday"})
        world.clock.forward(3600)
    assert world.declarations.puts == 1
    world.factory.declare("load", day=STRING, night=STRING)
    for number in range(5):
        world.submit(f"b-{number}", "load", parameters={"day": "sunday", "night": "x"})
        world.clock.forward(3600)
    assert world.declarations.puts == 2
    world.restart()
    down(world)
    assert world.submit("c", "load", parameters={"day": "x", "night": "y"}).record.status == "Accepted"


def test_a_deleted_pipeline_is_forgotten(world: World) -> None:
    """Neither this process nor another uses the declaration of a deleted pipeline."""
    world.submit("before", "load", parameters={"day": "sunday"})
    world.factory.pipelines.clear()
    world.clock.forward(3600)
    with pytest.raises(ResourceNotFound):
        world.submit("gone", "load", parameters={"day": "sunday"})
    assert world.declarations.get(FACTORY_ID, "load") is None
    down(world)
    with pytest.raises(TryLater):
        world.submit("gone", "load", parameters={"day": "sunday"})


def test_a_failing_write_fails_no_request_and_is_made_up_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A declaration that could not be kept is logged, and kept when it is read the next time."""
    world.declarations.instead["put"] = [LedgerError("the table is away")]
    world.submit("first", "load", parameters={"day": "sunday"})
    assert "declaration_not_kept" in actions(caplog)
    assert world.declarations.get(FACTORY_ID, "load") is None
    world.clock.forward(3600)
    world.submit("second", "load", parameters={"day": "sunday"})
    assert world.declarations.get(FACTORY_ID, "load") is not None


def test_a_failing_removal_leaves_the_answer_as_it_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The answer that there is no such pipeline is given even if it cannot be forgotten."""
    world.declarations.instead["remove"] = [LedgerError("the table is away")]
    with pytest.raises(ResourceNotFound):
        world.submit(pipeline="nowhere")
    assert "declaration_not_removed" in actions(caplog)


def test_a_declaration_that_cannot_be_read_back_is_not_known(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Parameters that may be secret are not accepted while neither Data Factory nor the table answers."""
    learn_and_restart(world)
    world.declarations.instead["get"] = [LedgerError("the table is away")]
    with pytest.raises(TryLater):
        world.submit("key-2", "load", parameters={"day": "monday"})
    assert "declaration_not_read" in actions(caplog)


def test_a_message_is_accepted_by_the_known_declaration_while_no_token_is_acquired(world: World) -> None:
    """The reason why Data Factory cannot be asked does not matter; a caller is asked to come again."""
    learn_and_restart(world)
    world.factory.before["get_pipeline"] = [CredentialError("no token")]
    taken = world.submit("key-2", "load", parameters={"day": "monday"}, source=Source.QUEUE)
    assert taken.record.status == "Accepted"
    with pytest.raises(TryLater, match="no token"):
        world.submit("key-3", "load", parameters={"day": "monday"})

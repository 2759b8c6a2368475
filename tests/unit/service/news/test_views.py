"""A view has every field of a record or a message, under the same names, and links to it."""

from dataclasses import fields, replace
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.contracts import RunStatus, RunView
from adf_trigger.ledger.kept_messages import Fate
from adf_trigger.ledger.listing import ListedRun
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.masking import MASK
from adf_trigger.readings import RunSummary
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.news.views import RunViews
from tests.contracts.ledger_records import MINUTE, NOON, a_full_record
from tests.contracts.rejected_contract import a_message
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, MovingClock

STUDIO = "https://adf.azure.com/monitoring/pipelineruns"
SHOWN_OTHERWISE = {
    "factory",
    "parameters",
    "errors",
    "routes",
    "history",
    "run_id",
    "joined_to",
    "overdue_since",
    "waits_for",
}
"""Fields of a view that a record has under the same name, in another form."""


def views(*aliases: str) -> RunViews:
    """Those of a service with factories of these aliases."""
    handles = {
        alias: FactoryHandle(alias, FACTORY_ID if number == 0 else f"{FACTORY_ID}-{alias}", a_factory())
        for number, alias in enumerate(aliases)
    }
    return RunViews(Factories(handles))


def a_factory() -> MemoryFactory:
    """A factory that is never called."""
    return MemoryFactory(MovingClock())


def test_a_run_is_shown_with_every_field_of_its_record() -> None:
    """No field is left out, and none stands under another's name."""
    record = a_full_record(FACTORY_ID)
    view = views("default").view(record)
    same = {each.name for each in fields(RunRecord)} & set(RunView.model_fields) - SHOWN_OTHERWISE
    assert {"started_at", "ended_at", "duration_ms", "message", "correlation_id", "group_id"} <= same
    assert {name: getattr(view, name) for name in same} == {name: getattr(record, name) for name in same}
    assert view.parameters == {**record.parameters, "password": MASK, "token": MASK}
    assert (view.factory, view.run_id, view.ended) == ("default", record.run_id, True)
    assert view.rerun_of == record.rerun.reference_pipeline_run_id
    assert record.overdue is not None
    assert view.overdue_since == record.overdue_since
    assert record.results is not None
    for name, value in dict(record.results).items():
        assert getattr(view, name) == value, name
    for name in ("errors", "routes", "history"):
        assert getattr(view, name) == list(getattr(record, name)), name
    assert record.joined_to is not None
    assert view.joined_to is not None
    assert (view.joined_to.request_id, view.joined_to.run_id) == ("first", record.joined_to.run_id)


def test_unknown_fields_are_not_shown() -> None:
    """Among them are an unconfirmed run id, an overdue run that was not published, and errors that were not read."""
    record = a_full_record(FACTORY_ID)
    assert record.overdue is not None
    assert record.joined_to is not None
    early = replace(
        record,
        state=RunState.ACCEPTED,
        status=RunStatus.ACCEPTED,
        submitted_at=None,
        overdue=replace(record.overdue, told_at=None),
        joined_to=replace(record.joined_to, is_confirmed=False),
        errors=None,
    )
    view = views("default").view(early)
    assert (view.run_id, view.overdue_since, view.errors) == (None, None, None)
    assert view.joined_to is not None
    assert (view.joined_to.request_id, view.joined_to.run_id) == ("first", None)
    assert (view.links.studio, view.links.activities) == (None, None)
    assert view.links.result == f"{view.links.self}/result"


def test_a_list_shows_a_run_as_its_own_view_does() -> None:
    """All of its columns, and the same links."""
    record = a_full_record(FACTORY_ID)
    shown = views("default").listed(ListedRun.of(record))
    whole = views("default").view(record)
    named = set(RunSummary.model_fields) & set(RunView.model_fields)
    assert {"duration_ms", "started_at", "requested_by", "rerun_of", "source", "links"} <= named
    assert {name: getattr(shown, name) for name in named} == {name: getattr(whole, name) for name in named}


@pytest.mark.parametrize("aliases", [("default",), ("default", "other")])
def test_links_name_the_factory_only_where_there_are_several(aliases: tuple[str, ...]) -> None:
    """They name it by id, since an alias may be given to another factory."""
    record = replace(a_full_record(FACTORY_ID), request_id="k-1")
    links = views(*aliases).view(record).links
    query = f"?factory={FACTORY_ID.replace('/', '%2F')}" if len(aliases) > 1 else ""
    for name, path in (
        ("self", ""),
        ("result", "/result"),
        ("activities", "/activities"),
        ("rerun", "/rerun"),
    ):
        link = getattr(links, name)
        assert link == f"/api/runs/k-1{path}{query}", name
    assert links.studio == f"{STUDIO}/{record.run_id}?factory={FACTORY_ID.replace('/', '%2F')}"
    assert (links.cancel, links.resolve) == (None, None)


@pytest.mark.parametrize(
    ("changes", "verbs"),
    [
        ({"status": "InProgress", "state": RunState.SUBMITTED}, {"cancel"}),
        ({"status": RunStatus.UNKNOWN}, {"resolve"}),
        ({"status": "Failed"}, {"rerun"}),
        ({"status": RunStatus.REJECTED, "submitted_at": None}, set()),
    ],
)
def test_links_lead_to_possible_actions(changes: dict[str, Any], verbs: set[str]) -> None:
    """There are no other links."""
    record = replace(a_full_record(FACTORY_ID), **{"ended_at": None, "joined_to": None, **changes})
    links = views("default").view(record).links
    assert {verb for verb in ("cancel", "resolve", "rerun") if getattr(links, verb)} == verbs


def test_a_rejected_message_is_shown_with_all_but_its_parameters() -> None:
    """Any parameter may be secure; names and sender are not."""
    body = b'{"pipeline": "load", "correlationId": "c", "metadata": {"a": "b"}, "parameters": {"n": "hush"}}'
    kept = a_message("m-1", factory=FACTORY_ID, body=body, requested_by="ann", reason="it has\nfaults")
    view = views("default").rejected(kept)
    assert (view.request_id, view.message_id, view.factory, view.pipeline) == ("k", "m-1", "default", "load")
    assert (view.status, view.ended, view.parameters) == (RunStatus.REJECTED, True, {})
    assert (view.reason, view.message) == ("it has faults", "it has\nfaults")
    assert (view.correlation_id, view.metadata, view.requested_by) == ("c", {"a": "b"}, "ann")
    assert (view.requested_at, view.ended_at) == (NOON, NOON)
    assert view.links.self == "/api/runs/m-1?by=messageId"
    assert (view.links.replay, view.links.resolve) == (
        "/api/runs/m-1/replay?by=messageId",
        "/api/runs/m-1/resolve?by=messageId",
    )
    assert views("default").rejected(replace(kept, factory="")).factory == ""


def test_a_waiting_message_is_shown_as_the_request_that_it_will_be() -> None:
    """The view shows who replayed it, and why."""
    kept = a_message("m-1", factory=FACTORY_ID).sent(NOON + MINUTE, by="ann", note="mended")
    view = views("default", "other").kept(kept)
    assert (view.status, view.ended, view.ended_at, view.message_id) == ("Accepted", False, None, None)
    assert (view.message, bool(view.reason)) == (None, True)
    (entry,) = view.history
    assert (entry.at, entry.by, entry.action, entry.note) == (NOON + MINUTE, "ann", "replay", "mended")
    named = FACTORY_ID.replace("/", "%2F")
    assert (view.links.self, view.links.result, view.links.replay) == (
        f"/api/runs/k?factory={named}",
        f"/api/runs/k/result?factory={named}",
        None,
    )


def test_a_dismissed_message_shows_that_and_why_it_was_rejected() -> None:
    """It stays a rejected message, with no action left."""
    kept = a_message("m-1", factory=FACTORY_ID).dismissed(NOON + MINUTE, by="ann", note="sent twice")
    assert kept.fate == Fate(what="dismissed", at=NOON + MINUTE, by="ann", note="sent twice")
    view = views("default").kept(kept)
    assert (view.status, view.message_id, view.ended) == (RunStatus.REJECTED, "m-1", True)
    assert view.message is not None
    assert view.message.endswith(": the message has faults")
    assert view.reason == view.message
    (entry,) = view.history
    assert (entry.by, entry.action, entry.note) == ("ann", "resolve as dismiss", "sent twice")
    assert (view.links.self, view.links.replay) == ("/api/runs/m-1?by=messageId", None)


@pytest.mark.parametrize("factory", [FACTORY_ID, f"{FACTORY_ID}-gone"])
def test_one_of_several_is_named_unambiguously(factory: str) -> None:
    """It is named by its alias, or by its id where no factory of the settings has it."""
    record = replace(a_full_record(factory), run_id=uuid4(), request_id="k")
    choice = views("default").choice(record)
    assert choice.factory == ("default" if factory == FACTORY_ID else factory)
    assert (choice.request_id, choice.run_id, choice.pipeline, choice.status, choice.requested_at) == (
        "k",
        record.run_id,
        record.pipeline,
        "Failed",
        record.requested_at,
    )
    assert choice.link.startswith("/api/runs/k?")
    assert f"factory={factory.replace('/', '%2F')}" in choice.link
    assert "by=requestId" in choice.link

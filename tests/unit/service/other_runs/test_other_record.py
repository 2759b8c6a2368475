"""The record of a run of others holds what Data Factory reports of it, and no value that may be a secret."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import MAX_PIPELINE_NAME, NO_RERUN, HistoryEntry, Rerun, Source
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.declaration import Declaration, Declared
from adf_trigger.results import RunInvoker
from adf_trigger.service.other_runs.record import (
    LONGEST_NAME,
    MAX_PARAMETERS_SIZE,
    MOST_PARAMETERS,
    Group,
    group_of,
    record_of,
    request_id_of,
    rerun_entry,
)
from tests.contracts.ledger_records import MINUTE, NOON

RUN, FIRST, PARENT = UUID(int=1), UUID(int=2), UUID(int=3)
BEGAN = NOON - 5 * MINUTE
BY = {
    "id": "0a",
    "name": "nightly",
    "invokedByType": "PipelineActivity",
    "pipelineName": "parent",
    "pipelineRunId": str(PARENT),
}
PLAIN = Declaration("load", (Declared("day", "string", required=False),))
SECRET = Declaration("load", (Declared("token", "securestring", required=False),))


def run(**changes: Any) -> PipelineRun:
    """A run that has ended, as Data Factory describes it."""
    described = {
        "runId": str(RUN),
        "pipelineName": "load",
        "parameters": {"day": "monday"},
        "runStart": BEGAN.isoformat(),
        "lastUpdated": (BEGAN + MINUTE).isoformat(),
        "invokedBy": BY,
        "status": "Succeeded",
    }
    return PipelineRun.model_validate({**described, **changes})


def made(
    described: PipelineRun, declared: Declaration | None = PLAIN, group: Group | None = None
) -> RunRecord:
    """Its record, from which nothing was cut."""
    record, cut = record_of("/factory", described, declared, group, now=NOON)
    assert not cut
    return record


def test_a_run_of_others_is_recorded_as_if_it_were_active() -> None:
    """It has all fields of its record; its end comes next."""
    assert made(run()) == RunRecord(
        factory="/factory",
        request_id=f"run-{RUN}",
        pipeline="load",
        digest=hashlib.sha256(f"factory|{RUN}".encode()).hexdigest(),
        run_id=RUN,
        state=RunState.SUBMITTED,
        status="InProgress",
        requested_at=BEGAN,
        submitted_at=BEGAN,
        parameters={"day": "monday"},
        declares_secrets=False,
        source=Source.FACTORY,
        invoked_by=RunInvoker(
            type="PipelineActivity",
            name="nightly",
            id="0a",
            pipeline_name="parent",
            pipeline_run_id=str(PARENT),
        ),
        rerun=NO_RERUN,
        history=(
            HistoryEntry(at=BEGAN, by="nightly", action="start", note=f"PipelineActivity of run {PARENT}"),
        ),
    )
    assert request_id_of(RUN) == f"run-{RUN}"


def test_a_rerun_belongs_to_its_group() -> None:
    """The group is named by its first run, with the run's number in it."""
    record = made(run(), group=Group(FIRST, 3))
    assert record.rerun == Rerun(reference_pipeline_run_id=FIRST, is_recovery=True)
    assert (record.group_id, record.attempt) == (FIRST, 3)
    assert [entry.action for entry in record.history] == ["rerun"]
    assert made(run(), group=Group(FIRST)).attempt == 2


@pytest.mark.parametrize(
    ("by", "who", "note"),
    [
        (None, None, "in Data Factory itself"),
        ({"invokedByType": "Manual"}, "Manual", "Manual, in Data Factory itself"),
        ({"name": "n"}, "n", "Unknown, in Data Factory itself"),
        ({"name": "n", "invokedByType": "ScheduleTrigger"}, "n", "ScheduleTrigger, in Data Factory itself"),
    ],
)
def test_its_history_names_its_starter(by: Any, who: str | None, note: str) -> None:
    """It does so as far as Data Factory reports one."""
    (entry,) = made(run(invokedBy=by)).history
    assert (entry.by, entry.note) == (who, note)


@pytest.mark.parametrize(
    ("changes", "began"),
    [
        ({"runStart": None}, BEGAN + MINUTE),
        ({"runStart": None, "lastUpdated": None}, NOON),
        ({"runStart": (NOON + MINUTE).isoformat()}, NOON),
    ],
)
def test_its_request_time_is_its_beginning_and_never_later_than_now(changes: Any, began: Any) -> None:
    """Data Factory's clock may be ahead, and a run may have no beginning."""
    record = made(run(**changes))
    assert (record.requested_at, record.submitted_at, record.history[0].at) == (began, began, began)


@pytest.mark.parametrize(
    ("declared", "plain", "secure", "declares"),
    [
        (PLAIN, {"day": "monday", "Token": "hush"}, (), False),
        (SECRET, {"day": "monday"}, ("Token",), True),
        (None, {}, ("day", "Token"), None),
    ],
)
def test_a_value_that_may_be_a_secret_is_named_and_not_kept(
    *, declared: Declaration | None, plain: dict[str, Any], secure: tuple[str, ...], declares: bool | None
) -> None:
    """Where its pipeline is not known, any value may be one."""
    record = made(run(parameters={"day": "monday", "Token": "hush"}), declared)
    assert (record.parameters, record.secure_parameters, record.declares_secrets) == (plain, secure, declares)


def test_long_values_share_the_room_and_are_marked() -> None:
    """This holds whatever their pipeline allows; short ones stay."""
    long = {"a": "x" * MAX_PARAMETERS_SIZE, "b": "y" * MAX_PARAMETERS_SIZE, "day": "monday"}
    record, cut = record_of("/factory", run(parameters=long), PLAIN, None, now=NOON)
    assert cut
    assert record.parameters["day"] == "monday"
    for name in "ab":
        assert MAX_PARAMETERS_SIZE // 4 < len(record.parameters[name]) <= MAX_PARAMETERS_SIZE // 3


@pytest.mark.parametrize(("number", "cut"), [(MOST_PARAMETERS, False), (MOST_PARAMETERS + 1, True)])
def test_a_bounded_number_of_parameters_is_kept(number: int, *, cut: bool) -> None:
    """The first ones are kept, and the record notes that some are missing."""
    many = {f"p{each}": each for each in range(number)}
    record, was_cut = record_of("/factory", run(parameters=many), PLAIN, None, now=NOON)
    assert (len(record.parameters), was_cut) == (MOST_PARAMETERS, cut)
    assert record.parameters["p0"] == 0


@pytest.mark.parametrize(("length", "kept"), [(LONGEST_NAME, True), (LONGEST_NAME + 1, False)])
def test_a_name_that_no_pipeline_can_have_is_left_out(length: int, *, kept: bool) -> None:
    """The record notes that one is missing."""
    record, cut = record_of("/factory", run(parameters={"n" * length: 1}), PLAIN, None, now=NOON)
    assert (bool(record.parameters), cut) == (kept, not kept)


def test_texts_that_cannot_be_written_are_repaired() -> None:
    """They have halves of surrogate pairs, or are names that are too long."""
    odd = {**BY, "name": "x\ud800" + "n" * LONGEST_NAME, "invokedByType": ""}
    pipeline = "p\ud800" + "x" * MAX_PIPELINE_NAME
    record = made(run(pipelineName=pipeline, parameters={"d\ud800": 1}, invokedBy=odd))
    assert (record.pipeline[:2], len(record.pipeline)) == ("p?", MAX_PIPELINE_NAME)
    assert record.parameters == {"d?": 1}
    assert record.invoked_by is not None
    assert record.invoked_by.type == "Unknown"
    assert (str(record.invoked_by.name)[:3], len(str(record.invoked_by.name))) == ("x?n", LONGEST_NAME)


def test_a_rerun_by_others_is_an_entry_in_the_history_of_the_first() -> None:
    """The entry names who did it, and when it began."""
    entry = rerun_entry(run(), now=NOON)
    assert (entry.at, entry.by, entry.action) == (BEGAN, "nightly", "rerun")
    assert entry.note == f"run {RUN} reruns it, which was started in Data Factory itself"
    assert rerun_entry(run(runStart=None), now=NOON).at == NOON
    assert rerun_entry(run(runStart=(NOON + timedelta(hours=1)).isoformat()), now=NOON).at == NOON
    assert rerun_entry(run(invokedBy=None), now=NOON).by is None


@pytest.mark.parametrize(
    ("group", "first"), [(None, None), ("", None), ("no id", None), (str(RUN), None), (str(FIRST), FIRST)]
)
def test_only_a_later_run_is_a_rerun(group: str | None, first: Any) -> None:
    """The first run of a group, and a run without one, rerun nothing."""
    assert group_of(run(runGroupId=group)) == first

"""The moves of a record among places: it gets one, or waits for one. Pure functions, as in transitions.py."""

from dataclasses import replace
from datetime import datetime

from adf_trigger.ledger.places import Places
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.service.recording.moves import WAITS_FOR_CALLER, cut, require_state
from adf_trigger.settings.policy import AdmissionPolicy


def admit(record: RunRecord, places: Places, *, now: datetime) -> RunRecord:
    """It has a place, and may be sent."""
    require_state(record, RunState.ACCEPTED)
    waited = record.waits_for in {Waits.ADMISSION, Waits.CALLER}
    return replace(
        record,
        places=places.name,
        admission_key=places.key,
        admitted_at=now,
        waits_for=None if waited else record.waits_for,
        message=None if waited else record.message,
    )


def line_up(record: RunRecord, places: Places, *, number: int, reason: str) -> RunRecord:
    """It waits for a place behind the requests that came before it."""
    require_state(record, RunState.ACCEPTED)
    return replace(
        record,
        places=places.name,
        admission_key=places.key,
        place_number=number,
        admitted_at=None,
        waits_for=Waits.ADMISSION,
        not_before=None,
        message=cut(reason),
    )


def leave_to_caller(record: RunRecord, places: Places, *, reason: str) -> RunRecord:
    """It has no place and is in no line, since only its caller can send it."""
    require_state(record, RunState.ACCEPTED)
    return replace(
        record,
        places=places.name,
        admission_key=places.key,
        admitted_at=None,
        waits_for=Waits.CALLER,
        message=cut(f"{WAITS_FOR_CALLER}: {reason}"),
    )


def reason(places: Places, policy: AdmissionPolicy) -> str:
    """What a request in line waits for, in words."""
    return f"it waits for a place: {counted(places, policy)}"


def counted(places: Places, policy: AdmissionPolicy) -> str:
    """What a policy allows for a pipeline, or for a value of its key, in words."""
    of = places.pipeline if places.by is None else f"{places.pipeline} with {places.by} = {places.key}"
    return (
        f"at most {policy.at_once} run{'' if policy.at_once == 1 else 's'} of {of} may be in progress at once"
    )

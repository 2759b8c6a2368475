"""Parses definitions of triggers, in the format of a factory's Git repository and management API, with all faults.

`runtimeState` is ignored: it is the state of Data Factory's own trigger, which has to be stopped if this one starts the
runs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adf_trigger.contracts import MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN
from adf_trigger.triggers.references import Compiled, Unsupported, compiled

BLOB_EVENTS = "BlobEventsTrigger"
CUSTOM_EVENTS = "CustomEventsTrigger"
EVENT_TRIGGERS = frozenset({BLOB_EVENTS, CUSTOM_EVENTS})
BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_DELETED = "Microsoft.Storage.BlobDeleted"
CLOSING_CALLS = ("FlushWithClose", "SftpCommit", "PutBlob", "PutBlockList", "CopyBlob")
"""Calls after which a file is complete. Writers that create, append and flush cause an event for each call."""

MAX_TRIGGERS = 100
MAX_NAME = 260
MAX_FAULTS = 30

_NAME = re.compile(PIPELINE_NAME_PATTERN)
AT_THE_TOP = frozenset(
    {"name", "properties", "factory", "calls", "id", "type", "etag", "apiVersion", "dependsOn"}
)
PROPERTIES = frozenset({"type", "typeProperties", "pipelines", "annotations", "description", "runtimeState"})
OF_BLOBS = frozenset({"blobPathBeginsWith", "blobPathEndsWith", "ignoreEmptyBlobs", "events", "scope"})
OF_CUSTOM = frozenset({"subjectBeginsWith", "subjectEndsWith", "events", "scope"})
BLOB_PATH = re.compile(r"/[^/]+(/(blobs(/.*)?)?)?", re.DOTALL)


class Faulty(ValueError):
    """Invalid definitions.

    Attributes:
        faults: a sentence for each fault, with the trigger's name.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStart:
    """A pipeline that a trigger starts.

    Attributes:
        pipeline: its name.
        number: index among the trigger's starts of this pipeline, from 0.
        parameters: name → value.
    """

    pipeline: str
    number: int
    parameters: Mapping[str, Compiled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger.

    Attributes:
        name: its name.
        of_blobs: whether it starts on blob events; else on custom events.
        events: types of the events that it starts on.
        scope: resource id of the account or topic that they come from.
        begins: required prefix of the blob's path or of the subject; empty for any.
        ends: required suffix of it; empty for any.
        ignores_empty: whether empty blobs are ignored.
        calls: storage calls that count as creating a blob; empty if all do.
        factory: alias of the factory whose pipelines it starts; None for the only one.
        starts: the pipelines.
        definition: as it was given.
    """

    name: str
    of_blobs: bool
    events: tuple[str, ...]
    scope: str
    begins: str
    ends: str
    ignores_empty: bool
    calls: tuple[str, ...]
    factory: str | None
    starts: tuple[PipelineStart, ...]
    definition: Mapping[str, Any] = field(repr=False)


def read_triggers(document: object) -> tuple[Trigger, ...]:
    """The triggers of a document: a definition, or an array of them.

    Raises:
        Faulty: with the faults of all definitions.
    """
    entries = [document] if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise Faulty(["must be an array of trigger definitions"])
    if len(entries) > MAX_TRIGGERS:
        raise Faulty([f"has {len(entries)} triggers: at most {MAX_TRIGGERS} are allowed"])
    faults: list[str] = []
    triggers: list[Trigger] = []
    for number, entry in enumerate(entries):
        reader = _Reader(entry, number)
        trigger = reader.trigger()
        faults += reader.faults
        if trigger is not None:
            triggers.append(trigger)
    names = [each.name.lower() for each in triggers]
    faults += (
        f"{name}: is the name of two triggers" for name in dict.fromkeys(names) if names.count(name) > 1
    )
    if faults:
        more = [f"and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
        raise Faulty([*faults[:MAX_FAULTS], *more])
    return tuple(triggers)


class _Reader:
    """Parses one definition, and collects its faults."""

    def __init__(self, entry: object, number: int) -> None:
        self._entry: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        name = self._entry.get("name")
        self._name = name if isinstance(name, str) and 0 < len(name) <= MAX_NAME else f"trigger {number + 1}"
        self.faults: list[str] = []
        if not isinstance(entry, dict):
            self._fault("must be an object with name and properties")
        elif self._name != name:
            self._fault(f"name must be text of 1 to {MAX_NAME} characters")

    def trigger(self) -> Trigger | None:
        """The trigger; None if it has faults."""
        if self.faults:
            return None
        properties = self._object(self._entry, "properties")
        kind = properties.get("type")
        if not isinstance(kind, str) or kind not in EVENT_TRIGGERS:
            self._fault(
                f"properties.type must be {BLOB_EVENTS} or {CUSTOM_EVENTS}: no other starts on events"
            )
            return None
        of_blobs = kind == BLOB_EVENTS
        given = self._object(properties, "typeProperties")
        self._unknown(self._entry, AT_THE_TOP, "")
        self._unknown(properties, PROPERTIES, "properties.")
        self._unknown(given, OF_BLOBS if of_blobs else OF_CUSTOM, "properties.typeProperties.")
        begins, ends = (
            self._text(given, f"{'blobPath' if of_blobs else 'subject'}{name}")
            for name in ("BeginsWith", "EndsWith")
        )
        if of_blobs:
            self._judge_path(begins, ends)
        trigger = Trigger(
            name=self._name,
            of_blobs=of_blobs,
            events=self._events(given, of_blobs=of_blobs),
            scope=self._text(given, "scope", needed=True).rstrip("/"),
            begins=begins,
            ends=ends,
            ignores_empty=self._truth(given, "ignoreEmptyBlobs"),
            calls=self._calls(of_blobs=of_blobs),
            factory=self._text(self._entry, "factory") or None,
            starts=tuple(self._starts(properties, of_blobs=of_blobs)),
            definition=self._entry,
        )
        return None if self.faults else trigger

    def _judge_path(self, begins: str, ends: str) -> None:
        if not begins and not ends:
            self._fault("needs blobPathBeginsWith or blobPathEndsWith")
        if begins and BLOB_PATH.fullmatch(begins) is None:
            self._fault("blobPathBeginsWith would match nothing: its form is /container/blobs/folder/")

    def _events(self, given: Mapping[str, Any], *, of_blobs: bool) -> tuple[str, ...]:
        events = given.get("events")
        texts = (
            [each for each in events if isinstance(each, str) and each] if isinstance(events, list) else []
        )
        if not isinstance(events, list) or not texts or len(texts) < len(events):
            self._fault("properties.typeProperties.events must be an array of event types")
        known = {each.lower() for each in (BLOB_CREATED, BLOB_DELETED)}
        if of_blobs and any(each.lower() not in known for each in texts):
            self._fault(f"properties.typeProperties.events may have only {BLOB_CREATED} and {BLOB_DELETED}")
        return tuple(texts)

    def _calls(self, *, of_blobs: bool) -> tuple[str, ...]:
        calls = self._entry.get("calls")
        if calls is None:
            return CLOSING_CALLS
        if not of_blobs or not isinstance(calls, list) or not all(isinstance(each, str) for each in calls):
            self._fault(
                "calls must be an array of storage calls, only of a blob trigger; an empty one allows all"
            )
            return ()
        return tuple(calls)

    def _starts(self, properties: Mapping[str, Any], *, of_blobs: bool) -> Iterator[PipelineStart]:
        pipelines = properties.get("pipelines")
        if not isinstance(pipelines, list) or not pipelines:
            self._fault("properties.pipelines must be a non-empty array of the pipelines to start")
            return
        seen: list[str] = []
        for number, each in enumerate(pipelines):
            place = f"properties.pipelines[{number}]"
            reference = each.get("pipelineReference") if isinstance(each, dict) else None
            name = reference.get("referenceName") if isinstance(reference, dict) else None
            if not isinstance(name, str) or len(name) > MAX_PIPELINE_NAME or _NAME.fullmatch(name) is None:
                self._fault(f"{place}.pipelineReference.referenceName is not a valid pipeline name")
                continue
            parameters = {} if each.get("parameters") is None else each["parameters"]
            if not isinstance(parameters, dict):
                self._fault(f"{place}.parameters must be an object")
                continue
            yield PipelineStart(
                pipeline=name,
                number=seen.count(name.lower()),
                parameters=dict(self._compiled(parameters, place, of_blobs=of_blobs)),
            )
            seen.append(name.lower())

    def _compiled(
        self, parameters: Mapping[str, Any], place: str, *, of_blobs: bool
    ) -> Iterator[tuple[str, Compiled]]:
        for name, value in parameters.items():
            try:
                yield name, compiled(value, of_blob=of_blobs)
            except Unsupported as exc:
                self._fault(f"{place}.parameters.{name} {exc}")

    def _object(self, within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = within.get(name)
        if isinstance(value, dict):
            return value
        self._fault(f"{name} must be an object")
        return {}

    def _text(self, within: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
        value = within.get(name)
        if isinstance(value, str) and (value or not needed):
            return value
        if value is not None or needed:
            self._fault(f"{name} must be text" + (", and not empty" if needed else ""))
        return ""

    def _truth(self, within: Mapping[str, Any], name: str) -> bool:
        value = within.get(name)
        if value is not None and not isinstance(value, bool):
            self._fault(f"{name} must be true or false")
        return value is True

    def _unknown(self, within: Mapping[str, Any], known: frozenset[str], place: str) -> None:
        for name in within:
            if name not in known:
                self._fault(f"{place}{name} is not supported, and would have no effect")

    def _fault(self, said: str) -> None:
        self.faults.append(f"{self._name}: {said}")

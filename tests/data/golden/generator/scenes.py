"""Every state that a record can be in, and everything that a record can hold."""

import json
from collections.abc import Iterator
from uuid import UUID

from stage import EVERYTHING, FAILED, LABELS, QUEUE_DOWN, Scene

from adf_trigger.errors import BadRequest, CredentialError, NotSent, PublishError, Throttled
from tests.support.memory_factory import LOST_REPLY, Ids

SECRET = {"parameters": {"user": "app", "password": "secret-value-1", "Token": "secret-value-2"}}
WHOLE = {"parameters": EVERYTHING, "correlationId": "Auftrag \U0001f4e6 17", "metadata": LABELS}


def scenes(azurite: str) -> Iterator[Scene]:
    """All of them."""
    yield from accepted(azurite)
    yield from submitted(azurite)
    yield from contents(azurite)
    yield from secret(azurite)
    yield from ended(azurite)
    yield from unstarted(azurite)


def accepted(azurite: str) -> Iterator[Scene]:
    """Taken, and not confirmed by Data Factory."""
    s = Scene("accepted, leased, createRun has not left", azurite)
    with s.killed("before dispatch.create_run"):
        s.post("load", "leased-unsent", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("accepted, leased, createRun has started the run", azurite)
    with s.killed("after dispatch.create_run"):
        s.post("load", "leased-sent", {"parameters": {"day": "2026-01-05", "Count": 7}})
    yield s

    s = Scene("accepted, in doubt, the run exists", azurite)
    s.factory.fail_next("create_run", LOST_REPLY, after=True)
    s.post("load", "in-doubt-started", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("accepted, in doubt, the run does not exist", azurite)
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("load", "in-doubt-lost", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("accepted, in doubt and asked about already", azurite)
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("load", "in-doubt-asked", {"parameters": {"day": "2026-01-05"}})
    s.tick(2, after=10)
    yield s

    s = Scene("accepted, in doubt, then throttled when sent again", azurite)
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("quick", "in-doubt-throttled")
    for _ in range(20):
        s.factory.fail_next("create_run", Throttled("slow down", retry_after=45))
    s.tick(8, after=30)
    s.factory.before.clear()
    yield s

    s = Scene("accepted, postponed since throttled", azurite)
    s.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=300))
    s.post("load", "throttled", {"parameters": {"day": "2026-01-05"}})
    s.post("load", "behind-the-throttled", {"parameters": {"day": "2026-01-06"}})
    yield s

    s = Scene("accepted, postponed since nothing left", azurite)
    s.factory.fail_next("create_run", NotSent("no connection"))
    s.post("load", "not-sent", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("accepted, postponed for want of a token, twice", azurite)
    s.factory.fail_next("create_run", CredentialError("no token"))
    s.post("load", "no-token", {"parameters": {"day": "2026-01-05"}}, x_ms_client_principal_name="jürgen")
    s.factory.fail_next("create_run", CredentialError("no token still"))
    s.tick(1, after=10)
    yield s

    s = Scene("accepted by queue in an outage, never sent", azurite)
    s.post("load", "before-the-outage", {"parameters": {"day": "2026-01-04"}})
    for _ in range(3):
        s.factory.fail_next("create_run", NotSent("no connection"))
    s.message({"pipeline": "load", "parameters": {"day": "2026-01-05"}})
    yield s


def submitted(azurite: str) -> Iterator[Scene]:
    """Data Factory has a run."""
    s = Scene("submitted, leased still, not seen", azurite)
    s.post("load", "submitted", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("submitted, handed over, not seen", azurite)
    s.post("load", "handed-over", {"parameters": {"day": "2026-01-05"}})
    s.factory.hidden.add(s.run_id())
    s.tick(8, after=15)
    s.factory.hidden.clear()
    yield s

    s = Scene("submitted, seen in progress", azurite)
    s.post("load", "seen", {"parameters": {"day": "2026-01-05"}})
    s.tick()
    yield s

    s = Scene("submitted, seen queued", azurite)
    s.post("load", "seen-queued", {"parameters": {"day": "2026-01-05"}})
    s.factory.runs[s.run_id()].status = "Queued"
    s.tick()
    yield s

    s = Scene("submitted, seen in a status that nobody knows", azurite)
    s.post("load", "seen-pondering", {"parameters": {"day": "2026-01-05"}})
    s.factory.runs[s.run_id()].status = "Grübelnd"
    s.tick()
    yield s

    s = Scene("submitted under an id of the factory's own", azurite)
    s.factory.ids = Ids.IGNORED
    s.post("load", "renamed", {"parameters": {"day": "2026-01-05"}})
    yield s

    s = Scene("published under an id of the factory's own", azurite)
    s.factory.ids = Ids.IGNORED
    s.post("load", "renamed-and-told", {"parameters": {"day": "2026-01-05"}})
    s.finish("Succeeded")
    s.tick(2)
    yield s

    s = Scene(
        "adopted by the correlation parameter",
        azurite,
        ADF_TRIGGER_POLICY=json.dumps({"traced": {"correlationParameter": "trace"}}),
    )
    s.factory.ids = Ids.IGNORED
    s.factory.fail_next("create_run", LOST_REPLY, after=True)
    s.post("traced", "adopted")
    s.tick(12, after=30)
    yield s

    s = Scene("many runs and the place where the last poll stood", azurite)
    for number in range(6):
        s.post("load", f"many-{number}", {"parameters": {"day": f"2026-01-0{number + 1}"}})
    s.tick(3)
    yield s


def contents(azurite: str) -> Iterator[Scene]:
    """Everything that a request may hold."""
    s = Scene("submitted with rerun fields", azurite)
    s.post("load", "first", {"parameters": {"day": "2026-01-05"}})
    first = str(s.run_id())
    rerun = {"referencePipelineRunId": first, "isRecovery": True}
    s.post("load", "again-whole", {"referencePipelineRunId": first})
    s.post("load", "again-from-failure", {**rerun, "startFromFailure": True})
    s.post("load", "again-from-activity", {**rerun, "startActivityName": "Kopiere ü", "isRecovery": False})
    yield s

    s = Scene("in doubt with rerun fields", azurite)
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("quick", "rerun-lost", {"referencePipelineRunId": str(UUID(int=7)), "startFromFailure": False})
    yield s

    s = Scene("submitted with everything that a body can hold", azurite)
    s.post("everything", "A.b_c:d-1", WHOLE, x_ms_client_principal_name="key:default")
    s.post("everything", "x" * 128, {"parameters": {"text": None}, "factory": "default"})
    yield s

    s = Scene("published with everything that a body can hold", azurite)
    s.post("everything", "a" * 128, WHOLE)
    s.finish("Succeeded")
    s.tick(2)
    yield s

    s = Scene("a record over several properties", azurite)
    s.post("everything", "long", {"parameters": {"text": "lang \U0001f600" * 2_000, "list": [7] * 2_000}})
    yield s

    s = Scene("names outside of ASCII", azurite)
    s.message(
        {
            "pipeline": "Lädt täglich (größe)",
            "requestId": "umlaut",
            "parameters": {"größe": "XXL", "日付": "2026年1月5日"},
            "metadata": {"mannschaft": "Größen"},
        }
    )
    yield s

    s = Scene("names in another case than declared", azurite)
    s.post("LOAD", "other-case", {"parameters": {"DAY": "2026-01-05", "count": 4}})
    yield s


def secret(azurite: str) -> Iterator[Scene]:
    """Parameters whose values are not kept."""
    s = Scene("secure parameters, submitted", azurite)
    s.post("vault", "secure", SECRET)
    yield s

    s = Scene("secure parameters, leased, the run has started", azurite)
    with s.killed("after dispatch.create_run"):
        s.post("vault", "secure-leased", SECRET)
    yield s

    s = Scene("secure parameters, in doubt, the run exists", azurite)
    s.factory.fail_next("create_run", LOST_REPLY, after=True)
    s.post("vault", "secure-started", {"parameters": {"user": "app", "password": "secret-value-1"}})
    yield s

    s = Scene("secure parameters, in doubt, the run does not exist", azurite)
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("vault", "secure-lost", SECRET)
    yield s

    s = Scene("secure parameters, published", azurite)
    s.post("vault", "secure-told", SECRET)
    s.finish("Failed", message="no access for app", failed=FAILED[:1])
    s.tick(2)
    yield s

    s = Scene("secure parameters by queue", azurite)
    s.message({"pipeline": "vault", **SECRET, "requestId": "secure-queue"})
    yield s


def ended(azurite: str) -> Iterator[Scene]:
    """The run has ended; its event is sent, or not yet."""
    s = Scene("ended Succeeded, not published", azurite)
    s.post("load", "ended-well", {"parameters": {"day": "2026-01-05"}})
    s.finish("Succeeded")
    s.tick_without_events(2, after=100)
    yield s

    s = Scene("ended Failed with its reasons, not published", azurite)
    s.post("load", "ended-failed", {"parameters": {"day": "2026-01-05"}, "metadata": {"team": "sales"}})
    s.finish("Failed", message="Operation on target ü failed: " + "w" * 2_000, failed=FAILED)
    s.tick_without_events(2, after=100)
    yield s

    s = Scene("ended Cancelled, not published", azurite)
    s.post("load", "ended-cancelled", {"parameters": {"day": "2026-01-05"}})
    s.finish("Cancelled")
    s.tick_without_events(2, after=100)
    yield s

    s = Scene("ended, taken by a publisher that was killed before the event", azurite)
    s.post("load", "killed-before-event", {"parameters": {"day": "2026-01-05"}})
    s.finish("Succeeded")
    with s.killed("before publish.event"):
        s.tick(2)
    yield s

    s = Scene("ended, its event sent by a publisher that was killed after it", azurite)
    s.post("load", "killed-after-event", {"parameters": {"day": "2026-01-05"}})
    s.finish("Failed", message="why", failed=FAILED[:2])
    with s.killed("after publish.event"):
        s.tick(2)
    yield s

    for key, status, details in (
        ("told-well", "Succeeded", {}),
        ("told-failed", "Failed", {"message": "Grund: ü", "failed": FAILED}),
        ("told-cancelled", "Cancelled", {}),
    ):
        s = Scene(f"published {status}", azurite)
        s.post("load", key, {"parameters": {"day": "2026-01-05"}, "correlationId": "c-1"})
        s.finish(status, **details)
        s.tick(2)
        yield s


def unstarted(azurite: str) -> Iterator[Scene]:
    """Nothing was started, or nobody can tell."""
    s = Scene("rejected by Data Factory, by queue, not published", azurite)
    s.factory.fail_next("create_run", BadRequest("Grund: kein ü", status=400, code="BadRequest"))
    s.world.outbox.before.extend(PublishError("the queue is out of reach") for _ in range(QUEUE_DOWN))
    s.message({"pipeline": "load", "parameters": {"day": "2026-01-05"}, "requestId": "rejected-ended"})
    s.world.outbox.before.clear()
    yield s

    s = Scene("rejected by Data Factory, by queue, published", azurite)
    s.factory.fail_next("create_run", BadRequest("Grund: kein ü", status=400, code="BadRequest"))
    s.message({"pipeline": "load", "parameters": {"day": "2026-01-05"}, "metadata": {"a": "b"}}, "m-77")
    yield s

    s = Scene(
        "rejected by the timer since it could not be started in time", azurite, ADF_TRIGGER_TICK_CALLS="3"
    )
    for _ in range(QUEUE_DOWN):
        s.factory.fail_next("create_run", NotSent("no connection"))
    s.post("load", "too-late", {"parameters": {"day": "2026-01-05"}})
    s.tick(30, after=3_600)
    yield s

    s = Scene(
        "unknown, not published", azurite, ADF_TRIGGER_POLICY=json.dumps({"*": {"unknownOutcome": "park"}})
    )
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("load", "unknown-ended", {"parameters": {"day": "2026-01-05"}})
    s.tick_without_events(6, after=30)
    yield s

    s = Scene(
        "unknown, published", azurite, ADF_TRIGGER_POLICY=json.dumps({"load": {"unknownOutcome": "park"}})
    )
    s.factory.fail_next("create_run", LOST_REPLY)
    s.post("load", "unknown-told", {"parameters": {"day": "2026-01-05"}})
    s.tick(6, after=30)
    yield s

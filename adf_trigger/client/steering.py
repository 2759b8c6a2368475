"""The calls that change runs: cancel, rerun, resolve, replay, hold, release."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue

from adf_trigger.client.documents import given, json_body
from adf_trigger.client.paths import KEY_HEADER, Run, quoted, run_path
from adf_trigger.client.transport import Call, Transport
from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunView
from adf_trigger.orders import HoldList
from adf_trigger.request_ids import in_path

ONLY_FACTORY = "default"
"""The alias of the factory of an app whose settings name one without an alias."""


class Steering:
    """The part of the client that changes runs.

    Args:
        transport: makes the calls.
        ids: makes idempotency keys.
    """

    def __init__(self, transport: Transport, ids: IdSource) -> None:
        self._transport = transport
        self._ids = ids

    def cancel(self, run: Run, *, recursive: bool = True, note: str | None = None) -> RunView:
        """Cancel a run, or a request that is not started yet. A run that has already ended is no error.

        Args:
            run: a view, or an id.
            recursive: also cancel the runs that it has started.
            note: why, for the run's history.
        """
        return self._steer(run, "cancel", {"recursive": recursive, **given(note=note)})

    def rerun(
        self,
        run: Run,
        *,
        from_failure: bool = False,
        from_activity: str | None = None,
        note: str | None = None,
        key: str | None = None,
    ) -> RunView:
        """Start a run again with its parameters, under a new key; returns the new run.

        Args:
            run: a view, or an id.
            from_failure: start from the activities that failed.
            from_activity: start from this activity.
            note: why, for the run's history.
            key: idempotency key of the new run; default: a new one.
        """
        mode = "fromActivity" if from_activity else "fromFailure" if from_failure else "whole"
        return self._steer(
            run,
            "rerun",
            {"mode": mode, **given(activity=from_activity, note=note)},
            key=key or str(self._ids()),
        )

    def resolve(
        self,
        run: Run,
        choice: Literal["adopt", "resubmit", "dismiss"],
        *,
        run_id: str | None = None,
        force: bool = False,
        note: str | None = None,
    ) -> RunView:
        """Resolve a request whose outcome is unknown, or discard a rejected message.

        Args:
            run: a view, or an id.
            choice: adopt a run of Data Factory as this request's; resubmit it; or dismiss it.
            run_id: the run to adopt.
            force: resubmit it even if there are runs that may be its own.
            note: why, for the run's history.

        Raises:
            Conflict: the request needs no resolution, or the run is not one of the `candidates`.
        """
        body = {"as": choice, **given(runId=run_id, force=force or None, note=note)}
        return self._steer(run, "resolve", body, repeatable=False)

    def replay(
        self,
        run: Run,
        *,
        force: bool = False,
        parameters: Mapping[str, JsonValue] | None = None,
        note: str | None = None,
    ) -> RunView:
        """Send a rejected message again, under its key. One that was replayed before is returned as it is now.

        Args:
            run: a view, or an id.
            force: even if it may start a second run, because it may be a copy of an accepted request or its key
                belongs to another one; and even if it already waits in the queue.
            parameters: values that were not stored, because their pipeline declares them secure.
            note: why, for the history.
        """
        body = {"force": force, **given(parameters=parameters, note=note)}
        return self._steer(run, "replay", body, repeatable=False)

    def hold(
        self,
        reason: str,
        *,
        factory: str = ONLY_FACTORY,
        pipeline: str | None = None,
        key: JsonValue = None,
        until: datetime | None = None,
    ) -> HoldList:
        """Accept requests of a factory, a pipeline or a key, but start none; returns the holds of the factory.

        A second hold of the same scope replaces the reason and the end.

        Args:
            reason: why; shown to callers whose requests wait.
            factory: its alias.
            pipeline: only requests for this pipeline.
            key: only requests with this value of the policy's admission key.
            until: the end, at most 30 days ahead; default: in 24 hours.

        Raises:
            RequestRefused: the hold is invalid, with every fault in `faults`; or there is no such factory.
        """
        ends = None if until is None else until.isoformat()
        return self._held(factory, "hold", given(reason=reason, pipeline=pipeline, key=key, until=ends))

    def release(
        self, *, factory: str = ONLY_FACTORY, pipeline: str | None = None, key: JsonValue = None
    ) -> HoldList:
        """Start the held requests in order of arrival; returns the remaining holds. It is no error if there is no hold.

        Args:
            factory: its alias.
            pipeline: of the hold.
            key: of the hold.

        Raises:
            RequestRefused: there is no such factory.
        """
        return self._held(factory, "release", given(pipeline=pipeline, key=key))

    def _held(self, factory: str, what: str, body: Mapping[str, Any]) -> HoldList:
        call = Call(
            method="POST", path=f"factories/{in_path(factory)}/{what}", body=json_body(body), effect=True
        )
        return self._transport.effect(HoldList, call)

    def _steer(
        self, run: Run, what: str, body: Mapping[str, Any], *, key: str | None = None, repeatable: bool = True
    ) -> RunView:
        path, query = run_path(run)
        call = Call(
            method="POST",
            path=f"{path}/{what}",
            query=query,
            body=json_body(body),
            headers={} if key is None else {KEY_HEADER: quoted(key)},
            key=key,
            effect=True,
            repeatable=repeatable,
        )
        return self._transport.effect(RunView, call)

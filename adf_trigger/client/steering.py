"""The calls that change what becomes of a run."""

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
    """The part of a client that steers.

    Args:
        transport: makes the calls.
        ids: makes idempotency keys.
    """

    def __init__(self, transport: Transport, ids: IdSource) -> None:
        self._transport = transport
        self._ids = ids

    def cancel(self, run: Run, *, recursive: bool = True, note: str | None = None) -> RunView:
        """Cancel a run, or a request that is not started yet. One that has ended is no error.

        Args:
            run: a view, or an id.
            recursive: the runs that it has started, too.
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
        """Start a run again, with its parameters, under a key of its own; gives the new run.

        Args:
            run: a view, or an id.
            from_failure: only from the activities on that failed.
            from_activity: only from this activity on.
            note: why, for the run's history.
            key: idempotency key of the new run; a new one unless told.
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
        """Decide about a request whose fate is unknown, or discard a rejected message.

        Args:
            run: a view, or an id.
            choice: adopt a run of Data Factory's as this request's; start it anew; or leave it at that.
            run_id: the run to adopt.
            force: start it anew although runs are there that may be its own.
            note: why, for the run's history.

        Raises:
            Conflict: it is not to be decided about, or the run is none of the `candidates`.
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
        """Send a rejected message again, under its key. One that was sent before is given as it is now.

        Args:
            run: a view, or an id.
            force: also where it may start a second run, since it may be a copy of a request that was taken, or its key
                is another's; and where it waits in the queue already.
            parameters: values that were not kept, since their pipeline declares them secure.
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
        """Have requests be taken and none be started: of a factory, of a pipeline, or of a key. Gives what is held.

        Held again, the reason and the end are the new ones.

        Args:
            reason: why; whoever waits is told.
            factory: its alias.
            pipeline: only this one's requests.
            key: only those with this value of the key that the policy counts by.
            until: when it is over, at most 30 days ahead; in 24 hours unless told.

        Raises:
            RequestRefused: it cannot be held so; every fault is in `faults`. Or there is no such factory.
        """
        ends = None if until is None else until.isoformat()
        return self._held(factory, "hold", given(reason=reason, pipeline=pipeline, key=key, until=ends))

    def release(
        self, *, factory: str = ONLY_FACTORY, pipeline: str | None = None, key: JsonValue = None
    ) -> HoldList:
        """Start what waits for a hold, in order of arrival. Gives what is held still; what is not held is no error.

        Args:
            factory: its alias.
            pipeline: as it was held.
            key: as it was held.

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

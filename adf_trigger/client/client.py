"""The Python client: the service's HTTP API with the service's own models."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Self

import httpx
from pydantic import JsonValue

from adf_trigger.client.batches import Start, start_many
from adf_trigger.client.documents import given, json_body, model_of, prefer
from adf_trigger.client.errors import ClientError, RunFailed, WaitTimedOut
from adf_trigger.client.paths import KEY_HEADER, Run, pipeline_path, quoted, run_path
from adf_trigger.client.pending_starts import PendingStarts
from adf_trigger.client.retrying import Retrying
from adf_trigger.client.settings import ClientSettings
from adf_trigger.client.shapes import Health
from adf_trigger.client.steering import Steering
from adf_trigger.client.transport import Call, Transport
from adf_trigger.clock import IdSource, new_id
from adf_trigger.contracts import RunStatus, RunView
from adf_trigger.readings import PipelineList, PipelineView, RunActivities, RunList, RunPreview, RunSummary

LONGEST_HOLD = 200.0
"""Maximum seconds for which the service may be asked to wait for a run's end."""
LONGEST_PAUSE = 60.0
MAX_PAGE = 200
PAUSE = 2.0
"""Seconds between two polls of a run where the service gives no Retry-After."""


class Client(Steering):
    """Starts runs, waits for them, reads and controls them. Thread-safe.

    A start has an idempotency key, yours or a new one, and is repeated under the same key when the answer was lost:
    only one run is started. Every method raises an error of `adf_trigger.client.errors` where the call fails.

    Args:
        url: root of the app, `https://<app>.azurewebsites.net`; default: ADF_TRIGGER_URL.
        key: function key or host key; default: ADF_TRIGGER_KEY.
        retry_for: seconds that one call may take including all retries; 0 for no retry.
        settings: replaces those of the environment.
        retrying: replaces retry_for, for tests.
        http: httpx transport, for tests and for your own proxies.
        ids: makes idempotency keys.

    Raises:
        SettingsError: the URL is missing or invalid, or the key is invalid.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        retry_for: float | None = None,
        settings: ClientSettings | None = None,
        retrying: Retrying | None = None,
        http: httpx.BaseTransport | None = None,
        ids: IdSource = new_id,
    ) -> None:
        chosen = (ClientSettings.from_env() if settings is None else settings).over(url=url, key=key)
        self._retrying = retrying or (Retrying() if retry_for is None else Retrying(within=retry_for))
        self._pending_starts = PendingStarts()
        super().__init__(Transport(chosen, self._retrying, http=http), ids)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ starting

    def start(
        self,
        pipeline: str,
        parameters: Mapping[str, JsonValue] | None = None,
        *,
        key: str | None = None,
        factory: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        hold: float = 0,
    ) -> RunView:
        """Start a run, once for each key.

        The service does not store secure parameters: where such a run cannot be started immediately, its caller must
        send it again, and a `wait` for it by this client does so as soon as it can be started.

        Args:
            pipeline: its name.
            parameters: name → value, as the pipeline declares them.
            key: idempotency key; default: a new one. The run can be read by it.
            factory: alias of the factory; not needed where there is only one.
            correlation_id: your own id, passed through to the event.
            metadata: labels, passed through to the event.
            hold: seconds for which the service may hold the answer until the run has ended, at most 200.

        Raises:
            RequestRefused: the request is invalid; every fault is in `faults`.
            OutcomeUnknown: no clear answer came; repeating the call with the error's `key` is safe, and finds out.
        """
        named = key or str(self._ids())
        held = min(max(hold, 0.0), LONGEST_HOLD)
        body = given(parameters=parameters, factory=factory, correlationId=correlation_id, metadata=metadata)
        call = Call(
            method="POST",
            path=f"{pipeline_path(pipeline)}/runs",
            body=json_body(body),
            headers={KEY_HEADER: quoted(named), **prefer(held)},
            key=named,
            effect=True,
            patience=held,
        )
        run = self._transport.effect(RunView, call)
        self._pending_starts.keep(call, parameters, run)
        return run

    def start_many(self, starts: Sequence[Start]) -> Iterator[RunView | ClientError]:
        """Start many runs, up to a hundred a call; yields the run or the error of each start, in order.

        The calls are made lazily, as the iterator is consumed. Each start has its key, so that the same calls may be
        repeated.
        """
        return start_many(self._transport, starts, self._ids)

    def check(
        self,
        pipeline: str,
        parameters: Mapping[str, JsonValue] | None = None,
        *,
        key: str | None = None,
        factory: str | None = None,
        correlation_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> RunPreview:
        """Make every check of a start without starting a run; `outcome` is the outcome that a start would have now.

        Args:
            pipeline: see `start`.
            parameters: see `start`.
            key: idempotency key; default: none, so that the request repeats no other one.
            factory: see `start`.
            correlation_id: see `start`.
            metadata: see `start`.

        Raises:
            RequestRefused: the request is invalid; every fault is in `faults`.
        """
        call = Call(
            method="POST",
            path=f"{pipeline_path(pipeline)}/runs",
            query={"validateOnly": "true"},
            body=json_body(
                given(parameters=parameters, factory=factory, correlationId=correlation_id, metadata=metadata)
            ),
            headers={} if key is None else {KEY_HEADER: quoted(key)},
        )
        return model_of(RunPreview, self._transport.send(call))

    # ------------------------------------------------------------------------------------------------- waiting

    def wait(self, run: Run, *, timeout: float | None = None) -> RunView:
        """Wait until a run has ended, and return it if it succeeded.

        Args:
            run: a view, or an id.
            timeout: seconds; None for no limit. An unreachable service is waited for as long as a call may take
                with its retries.

        Raises:
            RunFailed: the run did not succeed; `run`, `reason` and `errors` say how and why.
            WaitTimedOut: the run has not ended in time; it continues.
        """
        for view in self.watch(run, timeout=timeout):
            if view.ended:
                if view.status == RunStatus.SUCCEEDED:
                    return view
                raise RunFailed(view)
        raise AssertionError  # a watch ends with the run

    def watch(
        self, run: Run, *, timeout: float | None = None, hold: float = LONGEST_PAUSE
    ) -> Iterator[RunView]:
        """Yield a run after each poll until it has ended, including the final state.

        Args:
            run: a view, or an id.
            timeout: seconds; None for no limit.
            hold: seconds for which the service may hold an answer until the run has ended: a smaller value polls
                more often.

        Raises:
            WaitTimedOut: the run has not ended in time; it continues.
        """
        clock, sleep = self._retrying.clock, self._retrying.sleep
        whole, started = self._retrying.within, clock()
        while True:
            asked = clock()
            left = None if timeout is None else timeout - (asked - started)
            held = hold if left is None else min(hold, max(left, 0.0))
            again = self._pending_starts.call_for(run)
            held = 0.0 if again is not None else held
            within = whole if left is None else min(whole, max(left, 0.0))
            answer = self._transport.send(self._get_call(run, held), within=within)
            view = model_of(RunView, answer)
            if again is not None and view.status == RunStatus.ACCEPTED:
                answer = self._transport.send(again, within=within)
                view = model_of(RunView, answer)
            if again is not None and view.status != RunStatus.ACCEPTED:
                self._pending_starts.forget(run)
            yield view
            if view.ended:
                return
            if timeout is not None and clock() - started >= timeout:
                raise WaitTimedOut(view, timeout)
            if "preference-applied" in answer.headers and clock() - asked >= held / 2:
                continue  # the service has already waited; an answer that came early does not count as a wait
            pause = min(answer.retry_after or PAUSE, LONGEST_PAUSE, max(hold, 1.0))
            sleep(pause if timeout is None else max(0.0, min(pause, timeout - (clock() - started))))

    def _get_call(self, run: Run, hold: float) -> Call:
        path, query = run_path(run)
        held = min(float(int(hold)), LONGEST_HOLD)
        return Call(method="GET", path=path, query=query, headers=prefer(held), patience=held)

    def pause(self, seconds: float) -> None:
        """Wait, on the client's own clock."""
        self._retrying.sleep(seconds)

    # ------------------------------------------------------------------------------------------------- reading

    def get(self, run: Run) -> RunView:
        """One run, by requestId or runId, or a rejected message by its id.

        Args:
            run: a view, or an id; a RunName where an id may name several runs.

        Raises:
            RunNotFound: there is no such run.
            AmbiguousRun: the id names several runs; each of `choices` can be passed instead of the id.
        """
        path, query = run_path(run)
        return model_of(RunView, self._transport.send(Call(method="GET", path=path, query=query)))

    def list(
        self,
        *,
        status: str | Sequence[str] | None = None,
        pipeline: str | None = None,
        factory: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        correlation_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[RunSummary]:
        """Yield runs, newest first, including rejected messages and runs whose outcome is unknown.

        Args:
            status: only runs with this status, or one of these.
            pipeline: only runs of this pipeline.
            factory: only runs of this factory: its alias or resource id.
            since: only runs requested at or after this time.
            until: only runs requested before this time.
            correlation_id: only runs with this correlation id.
            limit: maximum number; default: all. Pages are fetched as needed.
        """
        statuses = status if status is None or isinstance(status, str) else ",".join(status)
        query = given(
            status=statuses,
            pipeline=pipeline,
            factory=factory,
            since=_iso(since),
            until=_iso(until),
            correlationId=correlation_id,
        )
        found = 0
        while limit is None or found < limit:
            size = MAX_PAGE if limit is None else min(limit - found, MAX_PAGE)
            call = Call(method="GET", path="runs", query={**query, "limit": str(size)})
            page = model_of(RunList, self._transport.send(call))
            for each in page.runs[: None if limit is None else limit - found]:
                yield each
                found += 1
            if page.continuation is None:
                return
            query["continuation"] = page.continuation

    def activities(self, run: Run) -> RunActivities:
        """The activities of a run, as Data Factory reports them now.

        Raises:
            RunNotFound: there is no such run.
        """
        path, query = run_path(run)
        call = Call(method="GET", path=f"{path}/activities", query=query)
        return model_of(RunActivities, self._transport.send(call))

    def pipelines(self, *, factory: str | None = None) -> PipelineList:
        """The pipelines that can be started, with their parameters.

        Args:
            factory: alias or resource id of their factory; default: all factories.
        """
        call = Call(method="GET", path="pipelines", query=given(factory=factory))
        return model_of(PipelineList, self._transport.send(call))

    def pipeline(self, name: str, *, factory: str | None = None) -> PipelineView:
        """One pipeline, with its parameters.

        Args:
            name: its name.
            factory: alias or resource id of its factory; not needed where there is only one.

        Raises:
            RequestRefused: there is no such pipeline.
        """
        call = Call(method="GET", path=pipeline_path(name), query=given(factory=factory))
        return model_of(PipelineView, self._transport.send(call))

    def health(self, *, details: bool = True) -> Health:
        """The health of the app; an unhealthy status is returned, not raised.

        Args:
            details: include the troubles, which the key must authorise; else only what is public.
        """
        path = "health/details" if details else "health"
        call = Call(method="GET", path=path, also_fine=frozenset({HTTPStatus.SERVICE_UNAVAILABLE}))
        return model_of(Health, self._transport.send(call))


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")

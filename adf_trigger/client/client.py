"""The Python client: what the service offers over HTTP, in the service's own models."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Self

import httpx
from pydantic import JsonValue

from adf_trigger.client.batches import Start, start_many
from adf_trigger.client.come_again import ComeAgain
from adf_trigger.client.documents import given, json_body, model_of, prefer
from adf_trigger.client.errors import ClientError, RunFailed, WaitTimedOut
from adf_trigger.client.paths import KEY_HEADER, Run, pipeline_path, quoted, run_path
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
    """Starts runs, waits for them, looks at them and steers them. Thread-safe.

    A start goes under an idempotency key, yours or a new one, and is made again under the same key when the answer
    was lost: it is started once. Every method raises an error of `adf_trigger.client.errors` where it does not get
    what it asked for.

    Args:
        url: root of the app, `https://<app>.azurewebsites.net`; ADF_TRIGGER_URL unless told.
        key: function key or host key; ADF_TRIGGER_KEY unless told.
        retry_for: seconds that one call may take with all its repeats; 0 for no repeat.
        settings: in place of what the environment says.
        retrying: in place of retry_for, for tests.
        http: what carries the requests, for tests and for proxies of your own.
        ids: makes idempotency keys.

    Raises:
        SettingsError: there is no URL, or it can be none; or the key can be none.
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
        self._come_again = ComeAgain()
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

        Secure parameters are not kept by the service: where such a run cannot be started at once it is left to its
        caller, and a `wait` for it by this client sends it as soon as that can be done.

        Args:
            pipeline: its name.
            parameters: name → value, as the pipeline declares them.
            key: idempotency key; a new one unless told. The run can be asked for by it.
            factory: alias of the factory; not needed where there is one.
            correlation_id: your own id, carried through to the event.
            metadata: labels, carried through to the event.
            hold: seconds for which the answer may be held back until the run has ended, at most 200.

        Raises:
            RequestRefused: it cannot work; every fault is in `faults`.
            OutcomeUnknown: no clear answer came; the same call with the error's `key` is safe, and tells.
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
        self._come_again.keep(call, parameters, run)
        return run

    def start_many(self, starts: Sequence[Start]) -> Iterator[RunView | ClientError]:
        """Start many runs, up to a hundred a call; for each, in order, its run, or the error that it met.

        The calls are made as the results are asked for. Each start has its key, so that all may be started again by
        the same calls.
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
        """Make every check of a start, and start nothing; the `outcome` is what would become of it as things are now.

        Args:
            pipeline: see `start`, as all others.
            parameters: see `start`.
            key: idempotency key; none unless told, so that it is no repeat of another request.
            factory: see `start`.
            correlation_id: see `start`.
            metadata: see `start`.

        Raises:
            RequestRefused: it cannot work; every fault is in `faults`.
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
        """Wait until a run has ended; gives it where it has succeeded.

        Args:
            run: a view, or an id.
            timeout: seconds; None for as long as it takes. What keeps the service from answering is waited out for
                as long as a call may take with its repeats.

        Raises:
            RunFailed: it has ended otherwise; `run`, `reason` and `errors` say how and why.
            WaitTimedOut: it has not ended in time; it goes on.
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
        """Each look at a run until it has ended, the last of them included.

        Args:
            run: a view, or an id.
            timeout: seconds; None for as long as it takes.
            hold: seconds for which the service may hold an answer back until the run has ended: with few, looks come
                more often.

        Raises:
            WaitTimedOut: it has not ended in time; it goes on.
        """
        clock, sleep = self._retrying.clock, self._retrying.sleep
        whole, begun = self._retrying.within, clock()
        while True:
            asked = clock()
            left = None if timeout is None else timeout - (asked - begun)
            held = hold if left is None else min(hold, max(left, 0.0))
            again = self._come_again.call_for(run)
            held = 0.0 if again is not None else held
            within = whole if left is None else min(whole, max(left, 0.0))
            answer = self._transport.send(self._look(run, held), within=within)
            view = model_of(RunView, answer)
            if again is not None and view.status == RunStatus.ACCEPTED:
                answer = self._transport.send(again, within=within)
                view = model_of(RunView, answer)
            if again is not None and view.status != RunStatus.ACCEPTED:
                self._come_again.forget(run)
            yield view
            if view.ended:
                return
            if timeout is not None and clock() - begun >= timeout:
                raise WaitTimedOut(view, timeout)
            if "preference-applied" in answer.headers and clock() - asked >= held / 2:
                continue  # it was held back already; one that came early is no reason to hurry
            pause = min(answer.retry_after or PAUSE, LONGEST_PAUSE, max(hold, 1.0))
            sleep(pause if timeout is None else max(0.0, min(pause, timeout - (clock() - begun))))

    def _look(self, run: Run, hold: float) -> Call:
        path, query = run_path(run)
        held = min(float(int(hold)), LONGEST_HOLD)
        return Call(method="GET", path=path, query=query, headers=prefer(held), patience=held)

    def pause(self, seconds: float) -> None:
        """Wait, on the client's own clock."""
        self._retrying.sleep(seconds)

    # ------------------------------------------------------------------------------------------------- looking

    def get(self, run: Run) -> RunView:
        """One run, by requestId or runId, or a rejected message by its id.

        Args:
            run: a view, or an id; a RunName where an id may mean several.

        Raises:
            RunNotFound: there is none.
            AmbiguousRun: the id means several runs; each of `choices` can be given in place of the id.
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
        """Runs, newest first; rejected messages and runs whose fate is unknown are among them.

        Args:
            status: one or several words that it may have.
            pipeline: its name.
            factory: alias or resource id of its factory.
            since: not requested before.
            until: requested before.
            correlation_id: the caller's own id.
            limit: how many at most; all unless told, a page at a time.
        """
        words = status if status is None or isinstance(status, str) else ",".join(status)
        query = given(
            status=words,
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
        """The activities of a run, as Data Factory has them now.

        Raises:
            RunNotFound: there is no such run.
        """
        path, query = run_path(run)
        call = Call(method="GET", path=f"{path}/activities", query=query)
        return model_of(RunActivities, self._transport.send(call))

    def pipelines(self, *, factory: str | None = None) -> PipelineList:
        """The pipelines that can be started, with what they declare.

        Args:
            factory: alias or resource id of their factory; all unless told.
        """
        call = Call(method="GET", path="pipelines", query=given(factory=factory))
        return model_of(PipelineList, self._transport.send(call))

    def pipeline(self, name: str, *, factory: str | None = None) -> PipelineView:
        """One pipeline, with what it declares.

        Args:
            name: its name.
            factory: alias or resource id of its factory; not needed where there is one.

        Raises:
            RequestRefused: there is no such pipeline.
        """
        call = Call(method="GET", path=pipeline_path(name), query=given(factory=factory))
        return model_of(PipelineView, self._transport.send(call))

    def health(self, *, details: bool = True) -> Health:
        """How the app is; its own word that it is not well is an answer, too.

        Args:
            details: with what is wrong, which the key must open; else what anybody may know.
        """
        path = "health/details" if details else "health"
        call = Call(method="GET", path=path, also_fine=frozenset({HTTPStatus.SERVICE_UNAVAILABLE}))
        return model_of(Health, self._transport.send(call))


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")

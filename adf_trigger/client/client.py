"""The Python client: what the service offers over HTTP, in the service's own models."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from adf_trigger.client.answers import Answer
from adf_trigger.client.errors import RunFailed, UnexpectedAnswer, WaitTimedOut
from adf_trigger.client.paths import KEY_HEADER, Run, pipeline_path, quoted, run_path
from adf_trigger.client.retrying import Retrying
from adf_trigger.client.settings import ClientSettings
from adf_trigger.client.transport import Call, Transport
from adf_trigger.clock import IdSource, new_id
from adf_trigger.contracts import RunPreview, RunStatus, RunView

LONGEST_HOLD = 200.0
"""Seconds for which the service may be asked to hold an answer back until a run has ended."""
LONGEST_PAUSE = 60.0
PAUSE = 2.0
"""Seconds between two looks at a run where the service does not say when to look again."""

_M = TypeVar("_M", bound=BaseModel)
_V = TypeVar("_V")


class Client:
    """Starts runs, waits for them, looks at them and steers them. Threads may share it.

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
        self._transport = Transport(chosen, self._retrying, http=http)
        self._ids = ids

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
            OutcomeUnknown: no answer came; the same call with the error's `key` is safe, and tells.
        """
        named = key or str(self._ids())
        held = min(max(hold, 0.0), LONGEST_HOLD)
        body = _given(parameters=parameters, factory=factory, correlationId=correlation_id, metadata=metadata)
        call = Call(
            method="POST",
            path=f"{pipeline_path(pipeline)}/runs",
            body=_json(body),
            headers={KEY_HEADER: quoted(named), **_prefer(held)},
            key=named,
            effect=True,
            patience=held,
        )
        return _model(RunView, self._transport.send(call))

    def check(
        self, pipeline: str, parameters: Mapping[str, JsonValue] | None = None, *, factory: str | None = None
    ) -> RunPreview:
        """Make every check of a start, and start nothing.

        Raises:
            RequestRefused: it cannot work; every fault is in `faults`.
        """
        call = Call(
            method="POST",
            path=f"{pipeline_path(pipeline)}/runs",
            query={"validateOnly": "true"},
            body=_json(_given(parameters=parameters, factory=factory)),
        )
        return _model(RunPreview, self._transport.send(call))

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
            left = None if timeout is None else timeout - (clock() - begun)
            held = hold if left is None else min(hold, max(left, 0.0))
            within = whole if left is None else min(whole, max(left, 0.0))
            answer = self._transport.send(self._look(run, held), within=within)
            view = _model(RunView, answer)
            yield view
            if view.ended:
                return
            if timeout is not None and clock() - begun >= timeout:
                raise WaitTimedOut(view, timeout)
            if "preference-applied" in answer.headers:
                continue  # it was held back already
            pause = min(answer.retry_after or PAUSE, LONGEST_PAUSE, max(hold, 1.0))
            sleep(pause if timeout is None else max(0.0, min(pause, timeout - (clock() - begun))))

    def _look(self, run: Run, hold: float) -> Call:
        path, query = run_path(run)
        held = min(float(int(hold)), LONGEST_HOLD)
        return Call(method="GET", path=path, query=query, headers=_prefer(held), patience=held)

    # ------------------------------------------------------------------------------------------------- looking

    def get(
        self, run: Run, *, factory: str | None = None, by: Literal["requestId", "runId"] | None = None
    ) -> RunView:
        """One run, by requestId or runId, or a rejected message by its id.

        Args:
            run: a view, or an id.
            factory: alias or resource id, where an id is known in several factories.
            by: what the id is, where it is one run's key and another's runId.

        Raises:
            RunNotFound: there is none.
            AmbiguousRun: the id means several runs; each of `choices` can be given in place of the id.
        """
        path, query = run_path(run)
        query |= _given(factory=factory, by=by)
        return _model(RunView, self._transport.send(Call(method="GET", path=path, query=query)))


def _given(**values: _V | None) -> dict[str, _V]:
    return {name: value for name, value in values.items() if value is not None}


def _prefer(hold: float) -> dict[str, str]:
    return {"Prefer": f"wait={int(hold)}"} if int(hold) > 0 else {}


def _json(document: Mapping[str, Any]) -> bytes:
    """A body whose length is known: what comes in chunks is lost on the platform."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def _model(model: type[_M], answer: Answer) -> _M:
    """The answer as a model. What a newer service says beside it is left out."""
    return _read(model, answer.document(), status=answer.status)


def _read(model: type[_M], document: Mapping[str, Any], *, status: int) -> _M:
    try:
        return model.model_validate(document, extra="ignore")
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors()[:5])
        raise UnexpectedAnswer(
            f"{status} came with no {model.__name__} that this version knows: {faults}", status=status
        ) from exc

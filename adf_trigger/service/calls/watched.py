"""A factory's client that records from every answer whether the factory throttles, fails or works."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.clock import Clock
from adf_trigger.contracts import NO_RERUN, Rerun
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Factory,
    Page,
    PipelineResource,
    PipelineRun,
    RunFilter,
    RunGlance,
    ServiceObject,
    TimeWindow,
)
from adf_trigger.datafactory.port import PipelineRuns
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    DataFactoryError,
    InvalidRequest,
    NotSent,
    Throttled,
)
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.factory_state import Trouble, trouble_of
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.calls.throttling import Bucket, Throttling

SUBSCRIPTION_THROTTLED = "SubscriptionRequestsThrottled"
"""The code of a 429 of the Resource Manager, which counts a subscription's calls; Data Factory has its own."""

OUTAGE_AFTER = timedelta(seconds=60)
"""A factory that has not answered for this long is in an outage; an occasional failure is none."""

T = TypeVar("T")
P = TypeVar("P")


class WatchedRuns:
    """The calls of the client, each of whose outcomes is recorded. Thread-safe.

    Args:
        runs: the client.
        factory: resource id of its factory.
        states: records whether the factory can be used.
        throttling: is given every 429.
        allowance: is given the calls that are left, as replies state them.
        clock: returns the current time.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        runs: PipelineRuns,
        factory: str,
        states: FactoryStates,
        throttling: Throttling,
        allowance: Allowance,
        clock: Clock,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = runs
        self._factory = factory
        self._states = states
        self._throttling = throttling
        self._allowance = allowance
        self._clock = clock
        self._seconds = seconds
        self._silent_since: float | None = None
        self._lock = threading.Lock()

    def get_factory(self) -> Factory:
        """See PipelineRuns."""
        return self._noted(Bucket.READS, self._runs.get_factory)

    def get_pipeline(self, name: str) -> PipelineResource:
        """See PipelineRuns."""
        return self._noted(Bucket.READS, lambda: self._runs.get_pipeline(name))

    def list_pipelines(self) -> Iterator[PipelineResource]:
        """See PipelineRuns."""
        return self._each_noted(self._runs.list_pipelines())

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, JsonValue],
        *,
        client_request_id: UUID,
        rerun: Rerun = NO_RERUN,
        secrets: Collection[str] = (),
        within: float | None = None,
    ) -> CreatedRun:
        """See PipelineRuns."""
        return self._noted(
            Bucket.WRITES,
            lambda: self._runs.create_run(
                pipeline,
                parameters,
                client_request_id=client_request_id,
                rerun=rerun,
                secrets=secrets,
                within=within,
            ),
        )

    def get_run(self, run_id: UUID) -> PipelineRun:
        """See PipelineRuns."""
        return self._noted(Bucket.READS, lambda: self._runs.get_run(run_id))

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        return self._each_noted(self._runs.query_runs(run_filter, wanted=wanted))

    def query_activity_runs(
        self, run_id: UUID, *, window: TimeWindow, newest_first: bool = False
    ) -> Iterator[Page[ActivityRun]]:
        """See PipelineRuns."""
        return self._each_noted(
            self._runs.query_activity_runs(run_id, window=window, newest_first=newest_first)
        )

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """See PipelineRuns.

        It needs another role than createRun does, so that its outcome says nothing about createRun.
        """
        self._counted(Bucket.WRITES, lambda: self._runs.cancel_run(run_id, recursive=recursive))

    def _each_noted(self, pages: Iterator[P]) -> Iterator[P]:
        earlier = None
        while (page := self._noted(Bucket.READS, lambda: next(pages, None), earlier)) is not None:
            earlier = page
            yield page

    def _noted(self, bucket: Bucket, call: Callable[[], T], earlier: object = None) -> T:
        try:
            answer = self._counted(bucket, call, earlier)
        except Throttled:
            raise
        except (DataFactoryError, CredentialError) as exc:
            self._failed(exc, bucket)
            raise
        if _is_new(answer, earlier, bucket):
            self._answered(bucket)
        return answer

    def _counted(self, bucket: Bucket, call: Callable[[], T], earlier: object = None) -> T:
        """Make a call and return its result. The allowance is updated, whatever the outcome."""
        begun_after = self._allowance.answers(self._factory, bucket)
        try:
            answer = call()
        except Throttled as exc:
            self._throttling.honour(self._factory, bucket, exc, self._clock())
            self._allowance.throttled(self._factory, bucket, subscription=exc.code == SUBSCRIPTION_THROTTLED)
            raise
        except (NotSent, CredentialError, InvalidRequest):
            self._allowance.not_sent(self._factory, bucket)
            raise
        except BaseException:
            self._allowance.answered(self._factory, bucket, None)
            raise
        if _is_new(answer, earlier, bucket):
            remaining = _remaining(answer, bucket)
            self._allowance.answered(self._factory, bucket, remaining, begun_after=begun_after)
        return answer

    def _failed(self, error: AdfTriggerError, bucket: Bucket) -> None:
        trouble = trouble_of(error)
        if trouble is None:
            self._answered(bucket)  # a refusal of this request: the factory has answered
        elif trouble is not Trouble.OUTAGE:
            self._states.hold(self._factory, error, Bucket.READS if trouble is Trouble.CREDENTIAL else bucket)
        elif self._silent_for() >= OUTAGE_AFTER and self._states.of(self._factory) is None:
            self._states.hold(self._factory, error, bucket)

    def _silent_for(self) -> timedelta:
        with self._lock:
            now = self._seconds()
            if self._silent_since is None:
                self._silent_since = now
            return timedelta(seconds=now - self._silent_since)

    def _answered(self, bucket: Bucket) -> None:
        with self._lock:
            self._silent_since = None
        state = self._states.of(self._factory)
        if state is None:
            return
        if state.kind is Trouble.OUTAGE or state.bucket is Bucket.READS or bucket is Bucket.WRITES:
            self._states.release(self._factory)


def _is_new(answer: object, earlier: object, bucket: Bucket) -> bool:
    """Whether a call was answered: there may have been no further page, or this came in the reply of the one before."""
    if bucket is Bucket.WRITES:
        return True
    reply = getattr(answer, "reply", None)
    return answer is not None and (reply is None or reply is not getattr(earlier, "reply", None))


def _remaining(answer: object, bucket: Bucket) -> int | None:
    """The calls that are left, as an answer states them; None where it does not."""
    if isinstance(answer, CreatedRun):
        return answer.remaining_writes
    if bucket is Bucket.WRITES or not isinstance(answer, ServiceObject | Page):
        return None
    return answer.reply.remaining_reads

"""The client at the limits of concurrent runs in Data Factory: rejections that say nothing against the request."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.emulator.hosting.emulated import Emulated
from adf_trigger.errors import DataFactoryError, FactoryFull, PipelineQueueFull, ResourceNotFound, Throttled
from tests.integration.datafactory.target import emulated_target

pytestmark = pytest.mark.untraced

PIPELINE = "At its limits"
QUEUE = 100

Control = Callable[..., Any]


@pytest.fixture
def control(azure: Emulated) -> Iterator[Control]:
    """Calls the emulator's control API; the emulator is reset after the test."""
    with httpx.Client(base_url=azure.control_url, timeout=60, trust_env=False) as http:

        def call(path: str, *, method: str = "POST", **body: Any) -> Any:
            reply = http.request(method, path, json=body)
            assert reply.is_success, reply.text
            return reply.json() if reply.content else None

        yield call
        call("/reset", keep="resources")
        call("/options", method="PATCH", strict=False, most_runs=None, full_factory="refused")


@pytest.fixture
def client(azure: Emulated, control: Control) -> Iterator[DataFactoryClient]:
    """A client of a strict factory whose runs wait to be released, with a pipeline of concurrency one."""
    control("/progression", mode="held")
    control("/options", method="PATCH", strict=True)
    target = emulated_target(azure)
    with target.api() as api:
        found = DataFactoryClient(target.factory, api)
        found.pipelines.create_or_update(PIPELINE, {"activities": [], "concurrency": 1})
        yield found


def started(client: DataFactoryClient) -> UUID:
    """A new run."""
    return client.create_run(PIPELINE, {}, client_request_id=uuid4()).run_id


@pytest.mark.parametrize(
    ("answer", "kind", "status"), [("refused", FactoryFull, 400), ("throttled", Throttled, 429)]
)
def test_a_full_factory_starts_nothing_and_says_so(
    client: DataFactoryClient, control: Control, answer: str, kind: type[DataFactoryError], status: int
) -> None:
    """For each documented error: no run of that id exists, and the same call starts one after another run has ended."""
    control("/options", method="PATCH", most_runs=2, full_factory=answer)
    first, _ = started(client), started(client)
    chosen = uuid4()
    with pytest.raises(kind, match="concurrent pipeline runs per data factory") as caught:
        client.create_run(PIPELINE, {}, client_request_id=chosen)
    assert caught.value.status == status
    with pytest.raises(ResourceNotFound):
        client.get_run(chosen)
    control("/release", run_id=str(first))
    assert client.create_run(PIPELINE, {}, client_request_id=chosen).run_id == chosen


def test_a_full_queue_of_a_pipeline_starts_nothing_and_says_so(
    client: DataFactoryClient, control: Control
) -> None:
    """It is distinguished from a full factory: other pipelines of the factory can be started."""
    first, *_ = (started(client) for _ in range(QUEUE + 1))
    with pytest.raises(PipelineQueueFull, match="a maximum of 100 runs"):
        started(client)
    control("/release", run_id=str(first))
    started(client)

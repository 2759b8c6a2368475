"""Limits of concurrent runs in Data Factory: errors that only their texts distinguish."""

import time

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import BadRequest, DataFactoryError, FactoryFull, PipelineQueueFull
from tests.unit.datafactory.effects import START
from tests.unit.datafactory.service import Service, answer


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("The limit of 10000 concurrent pipeline runs per data factory is reached.", FactoryFull),
        ("Reached maximum number of concurrent runs in the factory", FactoryFull),
        ("Pipeline execution throttled: 10000 active runs;\nno more are taken by the factory.", FactoryFull),
        ("Concurrent pipeline runs per data factory exceeded: 10000", FactoryFull),
        ("Reached maximum number of concurrent runs per pipeline", PipelineQueueFull),
        (
            "Pipeline execution throttled. A maximum of 100 runs will be queued for execution.",
            PipelineQueueFull,
        ),
        ("The data factory has the maximum of 5000 entities.", BadRequest),
        ("The parameter 'runs' exceeds the limit of the factory.", BadRequest),
        ("A run of the factory cannot be found.", BadRequest),
    ],
)
def test_an_error_is_a_full_factory_a_full_pipeline_or_a_fault_of_the_request(
    client: DataFactoryClient, service: Service, words: str, kind: type[DataFactoryError]
) -> None:
    """The first two wait, the last is reported to the caller: nothing has started in any case."""
    service.answers(answer(400, {"error": {"code": "BadRequest", "message": words, "target": "pipeline/p"}}))
    with pytest.raises(DataFactoryError) as caught:
        START(client)
    assert type(caught.value) is kind


@pytest.mark.parametrize("words", ["x", "maximum ", "queued ", "limit of active runs, ", "the factory "])
def test_a_long_error_costs_no_time(client: DataFactoryClient, service: Service, words: str) -> None:
    """Its text is searched once, whatever it holds, and not again from each of its characters."""
    long = words * (50_000 // len(words))
    service.answers(answer(400, {"error": {"code": "BadRequest", "message": long, "target": "pipeline/p"}}))
    before = time.process_time()
    with pytest.raises(BadRequest):
        START(client)
    assert time.process_time() - before < 1

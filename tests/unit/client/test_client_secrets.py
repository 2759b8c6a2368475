"""A start with secure parameters that has to wait: only its caller can send it again."""

import json

import pytest

from adf_trigger.client import RunFailed, WaitTimedOut
from adf_trigger.client.pending_starts import MASKED, MOST_KEPT
from adf_trigger.messages import masking
from tests.unit.client.service import Service, answer, keys_of, run

SECRET = {"password": "hunter2"}
LEFT_TO_US = run("Accepted", runId=None, parameters={"password": MASKED})


def test_a_wait_repeats_the_start_until_it_is_accepted() -> None:
    """The same call under the same key; afterwards the wait polls as usual."""
    service = Service(
        answer(LEFT_TO_US, 202),
        *[answer(LEFT_TO_US)] * 3,
        answer(run("Queued", parameters={"password": MASKED})),
        answer(run("Succeeded")),
    )
    with service.client() as client:
        taken = client.start("LoadOrders", SECRET, key="key-1", hold=30)
        assert client.wait(taken).status == "Succeeded"
    assert [each.method for each in service.asked] == ["POST", "GET", "POST", "GET", "POST", "GET"]
    posts = [each for each in service.asked if each.method == "POST"]
    assert keys_of(posts) == ['"key-1"'] * 3
    assert all(json.loads(each.content)["parameters"] == SECRET for each in posts)
    assert [each.headers.get("Prefer") for each in service.asked] == [
        "wait=30",
        None,
        None,
        None,
        None,
        "wait=60",
    ]
    assert service.time.slept == [2.0, 2.0]


def test_it_may_be_waited_for_by_its_key() -> None:
    """The run id identifies it, too."""
    service = Service(answer(LEFT_TO_US, 202), answer(LEFT_TO_US), answer(run("Succeeded")))
    with service.client() as client:
        client.start("LoadOrders", SECRET, key="key-1")
        client.wait("key-1")
    assert [each.method for each in service.asked] == ["POST", "GET", "POST"]


def test_a_rejected_start_is_not_repeated() -> None:
    """Under its key that would be a new request."""
    service = Service(answer(LEFT_TO_US, 202), answer(run("Rejected", reason="too late")))
    with service.client() as client, pytest.raises(RunFailed, match="too late"):
        client.wait(client.start("LoadOrders", SECRET, key="key-1"))
    assert [each.method for each in service.asked] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"day": "monday"}, run("Accepted", runId=None, parameters={"day": "monday"})),
        ({"stars": MASKED}, run("Accepted", runId=None, parameters={"stars": MASKED})),
        (SECRET, run("Queued", parameters={"password": MASKED})),
    ],
)
def test_other_starts_are_only_polled(given: dict[str, str], first: dict[str, object]) -> None:
    """The service itself starts requests that it has stored, and has started those that are Queued."""
    service = Service(answer(first, 202), answer(first), answer(run("Succeeded")))
    with service.client() as client:
        client.wait(client.start("LoadOrders", dict(given), key="key-1"))
    assert [each.method for each in service.asked] == ["POST", "GET", "GET"]


def test_a_wait_for_it_ends_at_its_limit() -> None:
    """The limit is that of any other wait."""
    service = Service(answer(LEFT_TO_US, 202))
    with service.client() as client, pytest.raises(WaitTimedOut):
        client.wait(client.start("LoadOrders", SECRET, key="key-1"), timeout=10)
    assert service.time.now == 10


def test_only_the_latest_secrets_are_kept() -> None:
    """A caller that starts many runs and waits for none keeps a bounded number of secrets."""
    service = Service(
        *[
            answer(run("Accepted", requestId=f"key-{number}", parameters={"password": MASKED}), 202)
            for number in range(MOST_KEPT + 1)
        ],
        answer(run("Succeeded")),
    )
    with service.client() as client:
        first, *_ = [client.start("LoadOrders", SECRET, key=f"key-{each}") for each in range(MOST_KEPT + 1)]
        client.wait(first)
    assert service.asked[-1].headers["Prefer"] == "wait=60"


def test_the_mask_is_the_services() -> None:
    """The client shares no code with it."""
    assert masking.MASK == MASKED

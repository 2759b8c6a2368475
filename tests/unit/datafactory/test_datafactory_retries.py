"""Reads are retried while that helps; calls with an effect never are."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

import pytest
import requests

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.models import RunFilter
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    Forbidden,
    NotSent,
    ScopeNotFound,
    Throttled,
    Unauthorized,
    Unavailable,
)
from adf_trigger.functions.adapters import READ_RETRIES
from tests.unit.datafactory.service import FACTORY, TOKEN, Service, Tokens, answer, management_api

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")
FOUND = answer(200, {"runId": str(RUN_ID)})
FILTER = RunFilter(
    last_updated_after=datetime(2026, 1, 1, tzinfo=UTC), last_updated_before=datetime(2026, 1, 2, tzinfo=UTC)
)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, recorded and not slept."""
    noted: list[float] = []
    monkeypatch.setattr(time, "sleep", noted.append)
    return noted


DENIED = {"error": {"code": "AuthorizationFailed", "message": "no role"}}


@pytest.mark.parametrize(
    "failure",
    [
        answer(500),
        answer(503, "<html>"),
        answer(408),
        answer(429),
        answer(200, "{"),
        answer(302),
        requests.ConnectTimeout(),
        requests.ReadTimeout(),
        requests.ConnectionError(),
    ],
)
def test_a_read_is_repeated_until_it_is_answered(
    client: DataFactoryClient, service: Service, failure: object
) -> None:
    """One logical call keeps one client request id."""
    service.answers(failure, failure, FOUND)  # type: ignore[arg-type]  # answers and exceptions
    assert client.get_run(RUN_ID).run_id == RUN_ID
    assert len(service.calls) == 3
    assert len({call.headers["x-ms-client-request-id"] for call in service.calls}) == 1


def test_the_posts_of_queries_are_reads(client: DataFactoryClient, service: Service) -> None:
    """A page is requested again, and only that page."""
    service.answers(
        answer(200, {"value": [], "continuationToken": "next"}), answer(500), answer(200, {"value": []})
    )
    assert len(list(client.query_runs(FILTER))) == 2
    assert [b"continuationToken" in (call.body or b"") for call in service.calls] == [False, True, True]


def test_a_read_ends_after_its_attempts(client: DataFactoryClient, service: Service) -> None:
    """The last failure is raised to the caller."""
    service.answers(answer(500), answer(502), answer(503))
    with pytest.raises(Unavailable) as caught:
        client.get_run(RUN_ID)
    assert (caught.value.status, len(service.calls)) == (503, 3)


def test_a_read_ends_after_its_time(service: Service) -> None:
    """The total time of attempts is bounded, too."""
    client = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN]), attempts=100, total=0.5))

    def slow(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        return 500, {}, ""

    service.handler = slow
    with pytest.raises(Unavailable):
        client.get_run(RUN_ID)
    assert 1 < len(service.calls) <= 25


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(answer(404), ScopeNotFound), (answer(403, DENIED), Forbidden), (answer(401), Unauthorized)],
)
def test_a_definite_error_is_not_repeated(
    client: DataFactoryClient,
    service: Service,
    failure: tuple[int, dict[str, str], str],
    kind: type[Exception],
) -> None:
    """A rejected token is replaced once, which is no retry."""
    service.answers(failure)
    with pytest.raises(kind):
        client.get_run(RUN_ID)
    assert len(service.calls) == (2 if kind is Unauthorized else 1)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(
    client: DataFactoryClient, service: Service, waits: list[float], status: int
) -> None:
    """The service's own hint replaces the backoff."""
    service.answers(answer(status, None, retry_after="7"), answer(status, None, retry_after="0"), FOUND)
    client.get_run(RUN_ID)
    assert waits == [7.0, 0.0]


def test_back_off_grows_to_its_limit(service: Service, waits: list[float]) -> None:
    """Without a hint, waits double up to the longest."""
    api = management_api(Tokens([TOKEN]), attempts=5, wait_initial=1, wait_max=3)
    service.answers(answer(500))
    with pytest.raises(Unavailable):
        DataFactoryClient(FACTORY, api).get_run(RUN_ID)
    assert waits == [1, 2, 3, 3]


def test_jitter_spreads_callers(service: Service, waits: list[float]) -> None:
    """Waits differ at random, within their bounds."""
    api = management_api(Tokens([TOKEN]), attempts=20, wait_initial=1, wait_max=2, wait_jitter=1, total=3600)
    service.answers(answer(500))
    with pytest.raises(Unavailable):
        DataFactoryClient(FACTORY, api).get_run(RUN_ID)
    assert len(set(waits)) > 1
    assert all(1 <= wait <= 2 for wait in waits)


@pytest.mark.parametrize(("hint", "total"), [("16", 45.0), ("10", 9.0)])
def test_a_long_wait_is_left_to_the_caller(
    service: Service, waits: list[float], hint: str, total: float
) -> None:
    """A hint past the longest wait, or past the total time, is not waited for."""
    client = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN]), total=total))
    service.answers(answer(429, None, retry_after=hint))
    with pytest.raises(Throttled) as caught:
        client.get_run(RUN_ID)
    assert (caught.value.retry_after, waits, len(service.calls)) == (float(hint), [], 1)


@pytest.mark.parametrize("hint", [None, "1", "2", "3", "5", "60"])
def test_the_service_waits_for_no_throttling_beyond_its_limit(
    service: Service, waits: list[float], hint: str | None
) -> None:
    """Two seconds and a half at most: then the caller gets a Retry-After, and the next tick continues."""
    client = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN]), **asdict(READ_RETRIES)))
    service.answers(answer(429, None, **({} if hint is None else {"retry_after": hint})))
    with pytest.raises(Throttled):
        client.get_run(RUN_ID)
    assert sum(waits) <= 2.5


def test_a_failed_connection_is_not_retried_for_a_create_run(
    client: DataFactoryClient, service: Service
) -> None:
    """Even the safe failure is not retried by the client: the dispatcher decides when to send."""
    service.answers(requests.ConnectTimeout())
    with pytest.raises(NotSent):
        client.create_run("p", {}, client_request_id=RUN_ID)
    assert len(service.calls) == 1


def test_an_expired_token_is_replaced_once(
    client: DataFactoryClient, service: Service, tokens: Tokens
) -> None:
    """401 is definite, so that even createRun is sent again, with the same id and the new token."""
    service.answers(answer(401, {"error": {"code": "ExpiredAuthenticationToken", "message": "x"}}), FOUND)
    assert client.create_run("p", {}, client_request_id=RUN_ID).run_id == RUN_ID
    assert tokens.invalidated == [TOKEN]
    assert [call.headers["Authorization"] for call in service.calls] == [
        f"Bearer {TOKEN}",
        "Bearer second.token.secret",
    ]
    assert {call.headers["x-ms-client-request-id"] for call in service.calls} == {str(RUN_ID)}


def test_a_call_is_not_repeated_with_the_same_token(service: Service) -> None:
    """Where no other token is available, the first error stands."""
    client = DataFactoryClient(FACTORY, management_api(Tokens([TOKEN])))
    service.answers(answer(401))
    with pytest.raises(Unauthorized):
        client.cancel_run(RUN_ID)
    assert len(service.calls) == 1


def test_a_second_401_is_final(client: DataFactoryClient, service: Service, tokens: Tokens) -> None:
    """The client does not loop over tokens."""
    service.answers(answer(401))
    with pytest.raises(Unauthorized):
        client.create_run("p", {}, client_request_id=RUN_ID)
    assert (len(service.calls), tokens.invalidated) == (2, [TOKEN])


def test_no_reply_to_the_second_sending_is_an_unknown_outcome(
    client: DataFactoryClient, service: Service
) -> None:
    """The first error says nothing about the second call."""
    service.answers(answer(401), requests.ReadTimeout())
    with pytest.raises(DataFactoryError) as caught:
        client.create_run("p", {}, client_request_id=RUN_ID)
    assert type(caught.value).__name__ == "UnknownOutcome"


def test_without_a_token_nothing_is_sent(service: Service) -> None:
    """A credential's failure is raised unchanged, even for a read."""

    class NoTokens(Tokens):
        def token(self) -> str:
            raise CredentialError("no token")

    client = DataFactoryClient(FACTORY, management_api(NoTokens([])))
    with pytest.raises(CredentialError):
        client.get_run(RUN_ID)
    assert service.calls == []

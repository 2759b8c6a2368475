"""Tokens: cached, refreshed ahead of their expiry, one refresh at a time."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

from adf_trigger.azure.credentials import (
    TokenProvider,
)
from adf_trigger.errors import CredentialError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCOPE = "https://management.azure.com/.default"
HOUR = timedelta(hours=1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Fake:
    """A credential whose tokens are numbered.

    Attributes:
        clock: returns the current time.
        life: how long its tokens last.
        refresh_in: when it wants its tokens refreshed, if it says so.
        failure: what it raises instead.
        gate: what it waits for before it answers.
        asked: how often it was called, failures included.
        entered: set as soon as it is called.
    """

    clock: Clock
    life: timedelta = HOUR
    refresh_in: timedelta | None = None
    failure: Exception | None = None
    gate: threading.Event | None = None
    asked: int = 0
    built: int = 0
    closed: int = 0
    entered: threading.Event = field(default_factory=threading.Event)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,  # noqa: ARG002  # the protocol's
        tenant_id: str | None = None,  # noqa: ARG002  # the protocol's
        enable_cae: bool = False,  # noqa: ARG002  # the protocol's
        **_: Any,
    ) -> AccessToken:
        info = self.get_token_info(*scopes)
        return AccessToken(info.token, info.expires_on)

    def get_token_info(
        self,
        *scopes: str,
        options: TokenRequestOptions | None = None,  # noqa: ARG002  # the protocol's
    ) -> AccessTokenInfo:
        assert scopes == (SCOPE,)
        self.asked += 1
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(60)
        if self.failure is not None:
            raise self.failure
        now = self.clock()
        refresh_on = None if self.refresh_in is None else int((now + self.refresh_in).timestamp())
        expires_on = int((now + self.life).timestamp())
        return AccessTokenInfo(f"token-{self.asked}", expires_on, refresh_on=refresh_on)

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def build(self) -> TokenCredential:
        """Stands for creating a new credential."""
        self.built += 1
        return self


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> Fake:
    """The credential behind the tokens."""
    return Fake(clock)


@pytest.fixture
def tokens(fake: Fake, clock: Clock) -> TokenProvider:
    """The tokens under test."""
    return TokenProvider(fake.build, SCOPE, clock, secrets=["the-secret", ""])


def test_a_token_is_cached(tokens: TokenProvider, fake: Fake, clock: Clock) -> None:
    """The credential is called once while the token is far from its expiry."""
    assert tokens.token() == "token-1"
    clock.advance(minutes=54)
    assert tokens.token() == "token-1"
    assert (fake.asked, fake.built) == (1, 1)


def test_a_token_is_refreshed_ahead_of_its_expiry(tokens: TokenProvider, fake: Fake, clock: Clock) -> None:
    """The next one is fetched five minutes before."""
    tokens.token()
    clock.advance(minutes=55)
    assert tokens.token() == "token-2"
    assert fake.built == 1


def test_a_credential_may_request_an_earlier_refresh(tokens: TokenProvider, fake: Fake, clock: Clock) -> None:
    """Managed identities request it at half of a day-long life."""
    fake.life, fake.refresh_in = 24 * HOUR, 12 * HOUR
    tokens.token()
    clock.advance(hours=11)
    assert tokens.token() == "token-1"
    clock.advance(hours=1)
    assert tokens.token() == "token-2"


def test_a_credential_without_refresh_hints_is_accepted(clock: Clock) -> None:
    """The older protocol has get_token alone."""

    class Old:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken("old", int((clock() + HOUR).timestamp()))

    assert TokenProvider(Old, SCOPE, clock).token() == "old"


def test_a_short_lived_token_is_not_refreshed_at_every_call(
    tokens: TokenProvider, fake: Fake, clock: Clock
) -> None:
    """Otherwise a life shorter than the time ahead would mean a request for each call."""
    fake.life = timedelta(minutes=2)
    tokens.token()
    clock.advance(seconds=29)
    assert tokens.token() == "token-1"
    clock.advance(seconds=1)
    assert tokens.token() == "token-2"


def test_a_token_about_to_expire_is_not_returned(tokens: TokenProvider, fake: Fake, clock: Clock) -> None:
    """It might be expired when it arrives; without another one the call fails."""
    tokens.token()
    fake.failure = ServiceRequestError("unreachable")
    clock.advance(minutes=59, seconds=49)
    assert tokens.token() == "token-1"
    clock.advance(seconds=2)
    with pytest.raises(CredentialError):
        tokens.token()


def test_a_failed_refresh_keeps_the_valid_token(
    tokens: TokenProvider, fake: Fake, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Other callers do not notice; the next try comes after a pause, and succeeds."""
    tokens.token()
    clock.advance(minutes=55)
    fake.failure = ServiceRequestError("unreachable")
    assert tokens.token() == "token-1"
    assert tokens.token() == "token-1"
    assert fake.asked == 2
    assert "token_refresh_failed" in {vars(record).get("action") for record in caplog.records}
    fake.failure = None
    clock.advance(seconds=30)
    assert tokens.token() == "token-3"


def test_others_keep_using_the_valid_token_during_a_refresh(
    tokens: TokenProvider, fake: Fake, clock: Clock
) -> None:
    """One thread fetches; the others do not wait for it."""
    tokens.token()
    clock.advance(minutes=55)
    fake.gate = threading.Event()
    fake.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(tokens.token)
        assert fake.entered.wait(60)
        assert [tokens.token() for _ in range(5)] == ["token-1"] * 5
        fake.gate.set()
        assert refreshing.result(60) == "token-2"
    assert fake.asked == 2


class CountingLock:
    """A lock that counts the threads that wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Semaphore(0)

    def wanted_by(self, threads: int) -> bool:
        """Wait until that many threads have reached it."""
        return all(self._wanted.acquire(timeout=60) for _ in range(threads))

    def __enter__(self) -> None:
        self._wanted.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("failure", [None, ServiceRequestError("unreachable")])
def test_without_a_token_all_callers_share_one_request(
    tokens: TokenProvider, fake: Fake, failure: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token or its failure is shared: an outage does not queue up one time-out after another."""
    fake.gate, fake.failure = threading.Event(), failure
    lock = CountingLock()
    monkeypatch.setattr(tokens, "_lock", lock)

    def ask() -> str | BaseException | None:
        try:
            return tokens.token()
        except CredentialError as exc:
            return exc.__cause__

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        # A thread that arrives after the reply would rightly ask again: all have arrived before it is sent.
        assert lock.wanted_by(8)
        fake.gate.set()
        found = {future.result(60) for future in asking}
    assert found == {failure or "token-1"}
    assert fake.asked == 1


def test_a_later_call_asks_again_after_a_failure(tokens: TokenProvider, fake: Fake) -> None:
    """A failure is shared only by the callers that waited for it."""
    fake.failure = ServiceRequestError("unreachable")
    for _ in range(2):
        with pytest.raises(CredentialError):
            tokens.token()
    fake.failure = None
    assert tokens.token() == "token-3"


def test_an_invalidated_token_is_replaced_through_a_new_credential(tokens: TokenProvider, fake: Fake) -> None:
    """The old credential would return its cached token again; it is closed."""
    first = tokens.token()
    tokens.invalidate(first)
    assert tokens.token() == "token-2"
    assert (fake.built, fake.closed) == (2, 1)


def test_an_old_token_invalidates_nothing(tokens: TokenProvider, fake: Fake) -> None:
    """Several threads get 401 with the same token; the first of them has it replaced for all."""
    first = tokens.token()
    tokens.invalidate(first)
    second = tokens.token()
    tokens.invalidate(first)
    assert tokens.token() == second
    assert fake.built == 2


def test_closing_closes_the_credential(tokens: TokenProvider, fake: Fake) -> None:
    """It is closed once."""
    tokens.token()
    tokens.close()
    tokens.close()
    assert fake.closed == 1


@pytest.mark.parametrize(
    "failure",
    [
        ClientAuthenticationError("AADSTS7000215: Invalid client secret 'the-secret'.\r\nTrace ID: 1"),
        ServiceResponseError("the-secret"),
        ValueError("Unable to get authority configuration for the-secret"),
        FileNotFoundError("the-secret.pem"),
        KeyError("the-secret"),
        AttributeError("'list' object has no attribute 'get'"),
        TypeError("the-secret"),
    ],
)
def test_a_failure_is_reported_without_secrets(
    tokens: TokenProvider, fake: Fake, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The first line of the reason and the cause are kept, and no text of ours repeats a secret."""
    fake.failure = failure
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert caught.value.__cause__ is failure
    assert type(failure).__name__ in str(caught.value)
    assert "Trace ID" not in str(caught.value)
    texts = [str(caught.value), *(f"{record.getMessage()} {vars(record)}" for record in caplog.records)]
    assert not [text for text in texts if "the-secret" in text]


def test_a_long_reason_is_truncated(tokens: TokenProvider, fake: Fake) -> None:
    """It is stored in the records of requests."""
    fake.failure = ServiceRequestError("x" * 10_000)
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("expires_on", [10**20, -(10**20)])
def test_a_token_with_an_impossible_expiry_is_an_error(clock: Clock, expires_on: int) -> None:
    """Any expiry outside of the calendar is a CredentialError."""

    class Odd:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken("odd", expires_on)

    with pytest.raises(CredentialError):
        TokenProvider(Odd, SCOPE, clock).token()


def test_a_refresh_is_logged_without_the_token(
    tokens: TokenProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """The record has its expiry alone."""
    caplog.set_level(logging.DEBUG)
    tokens.token()
    (record,) = [vars(each) for each in caplog.records if vars(each).get("action") == "token_refreshed"]
    assert record["expires_at"] == (NOW + HOUR).isoformat()
    assert not [each for each in caplog.records if "token-1" in f"{each.getMessage()} {vars(each)}"]

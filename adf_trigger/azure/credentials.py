"""Credential settings → an azure-identity credential → bearer tokens, cached and refreshed before they expire."""

import logging
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from azure.core.credentials import AccessToken, AccessTokenInfo, SupportsTokenInfo, TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from pydantic import SecretStr

from adf_trigger.azure.clouds import PUBLIC
from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.scrubbing import Scrubber
from adf_trigger.azure.token_replies import TokenRefusal, TokenReplies, TokenTransport
from adf_trigger.clock import Clock, utcnow
from adf_trigger.errors import CredentialError, SettingsError

logger = logging.getLogger(__name__)

_RETRIES = 2
_LONGEST_RETRY_WAIT = 5.0  # seconds
_CLI_TIMEOUT = 20  # seconds

_REFRESH_AHEAD = timedelta(minutes=5)
_REFRESH_WAIT = timedelta(seconds=30)
"""Between two refreshes while the current token is still valid."""
_LAST_MOMENTS = timedelta(seconds=10)
"""A token this close to its expiry may have expired when it arrives."""
_MAX_REASON = 500
_LONGEST_ASKED_WAIT = timedelta(minutes=5)
"""Maximum Retry-After of a token service that is honoured."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""The form of a bearer token by RFC 6750; nothing else is put into a header."""

_NO_TOKEN = (
    AzureError,
    SettingsError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
)
"""Besides AzureError: the exceptions that azure-identity and MSAL let through for a malformed reply (built-in ones),
for a certificate or token file (OSError), and those of this app's own settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSettings:
    """How to sign in to Azure.

    Attributes:
        kind: which credential; set explicitly, never guessed.
        tenant_id: the service principal's tenant.
        client_id: the service principal, or the user-assigned identity; None is the system-assigned one.
        client_secret: the service principal's secret; takes precedence over a certificate.
        certificate_path: the service principal's certificate: PEM or PKCS12, with its private key.
        authority_host: host name or https URL of Microsoft Entra ID.
        disable_instance_discovery: for an authority that is unknown to Microsoft Entra ID.
        ca_file: PEM file of certificate authorities to trust in addition to the default ones.
    """

    kind: CredentialKind
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    certificate_path: Path | None = None
    authority_host: str = PUBLIC.authority_host
    disable_instance_discovery: bool = False
    ca_file: Path | None = None

    def faults(self) -> list[str]:
        """What is missing, one sentence each."""
        if self.kind != CredentialKind.SERVICE_PRINCIPAL:
            return []
        needed = {
            "tenant id": self.tenant_id,
            "client id": self.client_id,
            "client secret or certificate": self.client_secret or self.certificate_path,
        }
        return [f"a service principal needs its {name}" for name, value in needed.items() if not value]


def build_credential(settings: CredentialSettings, replies: TokenReplies | None = None) -> TokenCredential:
    """The azure-identity credential that the settings name, with its time-outs and retries bounded.

    Args:
        settings: how to sign in.
        replies: records the token service's answers.

    Raises:
        SettingsError: something is missing.
        ValueError: azure-identity or the TLS library cannot use a value, such as the certificate.
    """
    faults = settings.faults()
    if faults:
        raise SettingsError(faults)
    if settings.kind == CredentialKind.AZURE_CLI:
        return AzureCliCredential(tenant_id=settings.tenant_id or "", process_timeout=_CLI_TIMEOUT)
    network: dict[str, Any] = {
        "transport": TokenTransport(settings.ca_file, replies or TokenReplies(utcnow)),
        "retry_total": _RETRIES,
        "retry_backoff_max": _LONGEST_RETRY_WAIT,
    }
    if settings.kind == CredentialKind.MANAGED_IDENTITY:
        return ManagedIdentityCredential(client_id=settings.client_id, **network)
    network |= {
        "authority": settings.authority_host,
        "disable_instance_discovery": settings.disable_instance_discovery,
    }
    if settings.kind == CredentialKind.WORKLOAD_IDENTITY:
        return WorkloadIdentityCredential(
            tenant_id=settings.tenant_id, client_id=settings.client_id, **network
        )
    tenant_id, client_id = settings.tenant_id or "", settings.client_id or ""
    if settings.client_secret is not None:
        return ClientSecretCredential(
            tenant_id, client_id, settings.client_secret.get_secret_value(), **network
        )
    return CertificateCredential(tenant_id, client_id, str(settings.certificate_path), **network)


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    expires_at: datetime
    refresh_at: datetime


class TokenProvider:
    """Provides one identity's tokens for one scope. Thread-safe.

    A token is cached until it nears its expiry. One thread at a time requests the next; while the current one is
    valid, the others keep using it. Without a valid token the others wait for that one answer, and share it, be it a
    token or a failure.

    Args:
        build: creates the credential: at first use, and again after the service has rejected a token, since a
            credential would return its own cached token again.
        scope: the scope of the tokens.
        clock: returns the current time.
        secrets: texts that no error may repeat.
        replies: records the token service's answers; None to record them privately.
    """

    def __init__(
        self,
        build: Callable[[], TokenCredential],
        scope: str,
        clock: Clock = utcnow,
        *,
        secrets: Collection[str] = (),
        replies: TokenReplies | None = None,
    ) -> None:
        self._build = build
        self._scope = scope
        self._clock = clock
        self._scrub = Scrubber(secrets)
        self._replies = replies or TokenReplies(clock)
        self._asked_to_wait_until: datetime | None = None
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._held: _Held | None = None
        self._rounds = 0
        self._failure: CredentialError | None = None

    @classmethod
    def of(cls, settings: CredentialSettings, scope: str, clock: Clock = utcnow) -> Self:
        """The tokens of the identity that the settings name.

        Raises:
            SettingsError: something is missing.
        """
        faults = settings.faults()
        if faults:
            raise SettingsError(faults)
        secret = settings.client_secret
        secrets = [] if secret is None else [secret.get_secret_value()]
        replies = TokenReplies(clock)
        return cls(
            lambda: build_credential(settings, replies), scope, clock, secrets=secrets, replies=replies
        )

    def token(self) -> str:
        """A token that is valid now.

        Raises:
            CredentialError: none could be acquired.
        """
        held, now = self._held, self._clock()
        if held is None or now >= held.expires_at - _LAST_MOMENTS:
            return self._awaited()
        if now >= held.refresh_at and self._lock.acquire(blocking=False):
            try:
                return self._refreshed_ahead(held)
            finally:
                self._lock.release()
        return held.token

    def invalidate(self, token: str) -> None:
        """Discard this token: the service rejected it."""
        with self._lock:
            if self._held is not None and self._held.token == token:
                self._held = None
                self._drop_credential()

    def close(self) -> None:
        """Close the credential's connections."""
        with self._lock:
            self._drop_credential()

    def _awaited(self) -> str:
        rounds = self._rounds
        with self._lock:
            held = self._held
            if held is not None and self._clock() < held.expires_at - _LAST_MOMENTS:
                return held.token
            if self._failure is not None and (self._rounds != rounds or self._has_to_wait):
                failure = self._failure
                raise CredentialError(str(failure), retry_after=failure.retry_after) from failure.__cause__
            return self._refresh().token

    @property
    def _has_to_wait(self) -> bool:
        """Whether the token service asked for a pause, within a bound."""
        until, now = self._asked_to_wait_until, self._clock()
        return until is not None and now < until <= now + _LONGEST_ASKED_WAIT

    def _refreshed_ahead(self, held: _Held) -> str:
        if self._held is not held:
            return held.token
        try:
            return self._refresh().token
        except CredentialError:
            # Logged where it was raised. The current token is still valid; a later call tries again.
            self._held = replace(held, refresh_at=self._clock() + _REFRESH_WAIT)
            return held.token

    def _refresh(self) -> _Held:
        self._replies.forget()
        self._asked_to_wait_until = None
        try:
            self._held = self._ask()
        except _NO_TOKEN as exc:
            self._failure = self._failed(exc)
            logger.warning(
                "Failed to acquire a token: %s", self._failure, extra={"action": "token_refresh_failed"}
            )
            raise self._failure from exc
        finally:
            self._rounds += 1  # last, so that threads that arrived during the round share its result
        self._failure = None
        logger.info(
            "Acquired a token, valid until %s",
            self._held.expires_at,
            extra={"action": "token_refreshed", "expires_at": self._held.expires_at.isoformat()},
        )
        return self._held

    def _ask(self) -> _Held:
        if self._credential is None:
            self._credential = self._build()
        access = _access_token(self._credential, self._scope)
        if _TOKEN.fullmatch(access.token) is None:
            raise ValueError("the answer has no valid bearer token")
        now = self._clock()
        expires_at = datetime.fromtimestamp(access.expires_on, tz=UTC)
        refresh_at = expires_at - _REFRESH_AHEAD
        refresh_on = getattr(access, "refresh_on", None)
        if refresh_on is not None:
            refresh_at = min(refresh_at, datetime.fromtimestamp(refresh_on, tz=UTC))
        return _Held(access.token, expires_at, max(refresh_at, now + _REFRESH_WAIT))

    def _failed(self, exc: Exception) -> CredentialError:
        """The error to raise; the token service's Retry-After is kept, within a bound."""
        refusal = self._replies.refusal
        asked = None if refusal is None else refusal.retry_after
        if refusal is not None:
            self._drop_credential()  # MSAL repeats a failure for minutes, without the service's text
        if asked is not None:
            wait = min(timedelta(seconds=asked), _LONGEST_ASKED_WAIT)
            self._asked_to_wait_until = self._clock() + wait
        return CredentialError(f"no token for {self._scope}: {self._reason(exc, refusal)}", retry_after=asked)

    def _reason(self, exc: Exception, refusal: TokenRefusal | None) -> str:
        """Why there is no token, with the token service's own text if the library does not repeat it."""
        lines = str(exc).strip().splitlines()
        reason = f"{type(exc).__name__}: {lines[0] if lines else 'no reason given'}"
        if refusal is not None and "AADSTS" not in reason:
            reason = str(refusal)
        return self._scrub(reason)[:_MAX_REASON]

    def _drop_credential(self) -> None:
        credential, self._credential = self._credential, None
        close = getattr(credential, "close", None)
        if close is not None:
            close()


def _access_token(credential: TokenCredential, scope: str) -> AccessToken | AccessTokenInfo:
    """The credential's token, with the time to refresh it if the credential provides one."""
    if isinstance(credential, SupportsTokenInfo):
        return credential.get_token_info(scope)
    return credential.get_token(scope)

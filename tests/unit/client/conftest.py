"""Fixtures of the client's tests."""

import pytest


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, certificate or setting of the machine is used."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in (*names, *(each.lower() for each in names), "ADF_TRIGGER_URL", "ADF_TRIGGER_KEY"):
        monkeypatch.delenv(name, raising=False)

"""What a session knows of the environment."""

from pathlib import Path

import pytest
import responses

from adf_trigger.azure.sessions import LastingSession

URL = "https://acme.table.core.windows.net/adfruns"


def _proxies(session: LastingSession, url: str, proxies: dict[str, str] | None = None) -> dict[str, str]:
    merged = session.merge_environment_settings(url, proxies or {}, stream=False, verify=True, cert=None)
    return dict(merged["proxies"])


def test_the_environment_s_proxy_is_taken_for_each_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that it excepts are called straight, at the first call and at the next."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "vault.azure.net")
    session = LastingSession()
    for _ in range(2):
        assert _proxies(session, URL)["https"] == "http://proxy:3128"
        assert "https" not in _proxies(session, "https://acme.vault.azure.net/x")


def test_what_a_call_says_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that call's alone."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    session = LastingSession()
    assert _proxies(session, URL, {"https": "http://another:1"})["https"] == "http://another:1"
    assert _proxies(session, URL)["https"] == "http://proxy:3128"


def test_nobody_who_asks_changes_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call gets proxies of its own."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    session = LastingSession()
    settings = session.merge_environment_settings(URL, {}, stream=False, verify=True, cert=None)
    settings["proxies"].clear()
    assert _proxies(session, URL)["https"] == "http://proxy:3128"


@responses.activate
def test_a_netrc_file_changes_no_authorization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that somebody keeps for the server does not go in the place of the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.table.core.windows.net login me password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(URL)
    LastingSession().get(URL, headers={"Authorization": "Bearer token"})
    assert responses.calls[0].request.headers["Authorization"] == "Bearer token"

"""How a session uses the environment, and how it sends."""

from pathlib import Path

import pytest
import requests
import responses

from adf_trigger.azure.connections import TrustingAdapter
from adf_trigger.azure.sessions import CachingSession

URL = "https://acme.table.core.windows.net/adfruns"


def _proxies(session: CachingSession, url: str, proxies: dict[str, str] | None = None) -> dict[str, str]:
    merged = session.merge_environment_settings(url, proxies or {}, stream=False, verify=True, cert=None)
    return dict(merged["proxies"])


def test_the_proxy_of_the_environment_is_used_for_each_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Excepted servers are called directly, at the first call and at the next."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "vault.azure.net")
    session = CachingSession()
    for _ in range(2):
        assert _proxies(session, URL)["https"] == "http://proxy:3128"
        assert "https" not in _proxies(session, "https://acme.vault.azure.net/x")


def test_arguments_of_a_call_take_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """They apply to that call alone."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    session = CachingSession()
    assert _proxies(session, URL, {"https": "http://another:1"})["https"] == "http://another:1"
    assert _proxies(session, URL)["https"] == "http://proxy:3128"


def test_callers_cannot_change_the_stored_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call gets a copy of its own."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    session = CachingSession()
    settings = session.merge_environment_settings(URL, {}, stream=False, verify=True, cert=None)
    settings["proxies"].clear()
    assert _proxies(session, URL)["https"] == "http://proxy:3128"


@responses.activate
def test_a_netrc_file_changes_no_authorization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in .netrc for the server does not replace the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.table.core.windows.net login me password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(URL)
    CachingSession().get(URL, headers={"Authorization": "Bearer token"})
    assert responses.calls[0].request.headers["Authorization"] == "Bearer token"


@responses.activate
@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}(RowKey='it%27s')?a=b&c=%C3%A4",
        f"{URL}/a b/\u00e4#c",
        f"{URL}/../x/./y?a",
        f"{URL}/%zz",
        f"{URL}/{'a' * 5_000} ",
    ],
)
@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", None), ("get", None), ("POST", None), ("POST", b"{}"), ("POST", "text"), ("DELETE", None)],
)
def test_a_call_is_sent_as_requests_would_send_it(method: str, url: str, body: bytes | str | None) -> None:
    """URL, headers and body are the same."""
    responses.add(method.upper(), url)
    headers = {"accept": "application/json", "X-Own": "1"}
    for session in (CachingSession(), requests.Session()):
        session.request(
            method, url, headers=headers, data=body, auth=_signed, timeout=(1, 2), allow_redirects=False
        )
    ours, theirs = (call.request for call in responses.calls)
    assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body)
    assert dict(ours.headers) == dict(theirs.headers)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb: c", " a"])
def test_a_header_cannot_be_injected_by_the_value_of_another(value: str) -> None:
    """The call fails before anything is sent."""
    with pytest.raises(requests.exceptions.InvalidHeader):
        CachingSession().request("GET", URL, headers={"X-Own": value}, allow_redirects=False)


@pytest.mark.parametrize("name", ["X-Own: a\r\nX-Other", "X-Own\r\n", "X-Own:", ""])
def test_no_header_is_smuggled_in_by_the_name_of_another(name: str) -> None:
    """The call fails before anything is sent, and as a call of requests does."""
    with pytest.raises(requests.exceptions.InvalidHeader):
        CachingSession().request("GET", URL, headers={name: "a"}, allow_redirects=False)


def test_a_pool_of_connections_is_used_until_it_is_closed() -> None:
    """Each server has its own, and a closed one is opened again."""
    adapter = TrustingAdapter()
    request = requests.Request("GET", URL).prepare()
    other = requests.Request("GET", "https://other.table.core.windows.net/").prepare()
    pool = adapter.get_connection_with_tls_context(request, verify=True)
    assert adapter.get_connection_with_tls_context(request, verify=True) is pool
    assert adapter.get_connection_with_tls_context(other, verify=True) is not pool
    assert adapter.get_connection_with_tls_context(request, verify=True) is pool
    adapter.close()
    assert adapter.get_connection_with_tls_context(request, verify=True) is not pool


def _signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["Authorization"] = "Bearer token"
    return request

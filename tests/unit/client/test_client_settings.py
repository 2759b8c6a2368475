"""Where the client sends its calls, and what it needs."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from adf_trigger.client import Client
from adf_trigger.client.settings import ClientSettings
from adf_trigger.errors import SettingsError
from tests.support.documents import ROOT
from tests.unit.client.service import Service, answer, run


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://app.example", "https://app.example/api"),
        ("https://app.example/", "https://app.example/api"),
        ("http://127.0.0.1:7071", "http://127.0.0.1:7071/api"),
        ("https://gateway.example/adf", "https://gateway.example/adf"),
    ],
)
def test_a_root_is_completed_and_a_path_is_kept(url: str, api: str) -> None:
    """The route prefix is `api` unless the URL has one."""
    assert ClientSettings.from_env({"ADF_TRIGGER_URL": url}).api == api


@pytest.mark.parametrize(
    "url",
    [
        "app.example",
        "http://app.example",
        "ftp://app.example",
        "https://app.example?code=s3cret",
        "https://me:s3cret@app.example",
        "app.example?code=s3cret",
        "https://app.example:port",
    ],
)
def test_an_invalid_url_is_a_fault_that_shows_no_key(url: str) -> None:
    """The key of a URL is not shown; plain http is for this machine alone, since it would carry a key."""
    with pytest.raises(SettingsError) as caught:
        Client(url, "key")
    assert "ADF_TRIGGER_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_all_faults_are_reported_together() -> None:
    """A missing URL, and a key that no header can carry."""
    with pytest.raises(SettingsError) as caught:
        Client(settings=ClientSettings.from_env({"ADF_TRIGGER_URL": " ", "ADF_TRIGGER_KEY": "a\nb"}))
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "ADF_TRIGGER_URL",
        "ADF_TRIGGER_KEY",
    ]


def test_the_environment_is_read_and_arguments_take_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADF_TRIGGER_URL and ADF_TRIGGER_KEY are the defaults of the arguments."""
    monkeypatch.setenv("ADF_TRIGGER_URL", "https://one.example")
    monkeypatch.setenv("ADF_TRIGGER_KEY", "first")
    settings = ClientSettings.from_env()
    assert settings == ClientSettings(url="https://one.example", key=SecretStr("first"))
    assert "first" not in repr(settings)
    assert settings.over(url="https://two.example").api == "https://two.example/api"
    assert settings.over(key="second").key == SecretStr("second")


def test_an_anonymous_call_has_no_key() -> None:
    """Without a key there is no header."""
    service = Service(answer(run()))
    with service.client(key=None) as client:
        client.get("key-1")
    assert "x-functions-key" not in service.asked[0].headers


def test_the_client_imports_no_package_of_the_function_app() -> None:
    """Importing it loads neither azure packages nor requests, so that it can be installed without them."""
    code = (
        "import sys, adf_trigger.client; print([n for n in sys.modules if n.partition('.')[0] in sys.argv])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "azure", "requests", "stamina", "urllib3", "starlette"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"

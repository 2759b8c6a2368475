"""For any environment, the app is composed or its settings are reported as faulty: an import never fails."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import SettingsError
from adf_trigger.functions.app import compose
from adf_trigger.settings import Settings, known_names
from tests.support.world import FACTORY_ID

RIGHT = {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
ODD = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e308",
        "nan",
        "true",
        "null",
        "[]",
        "{}",
        '{"a": {}}',
        '{"a": 1}',
        "[[[[",
        "x" * 300,
        "http://",
        "https://[::1",
        "https://host:99999",
        "http://localhost:1/?a=b",
        "https://user:pw@host",
        "https://\u0130stanbul.example",
        "AccountName=a;AccountKey=!!;EndpointSuffix=x",
        "AccountName=a;AccountKey=a2V5",
        "DefaultEndpointsProtocol=ftp;AccountName=a;AccountKey=a2V5",
        "UseDevelopmentStorage=false",
        "AccountName=;AccountKey=;",
        ";;;",
        "=",
        "/dev/null",
        "/",
        "\ud800",
        "service-principal",
        "azure-cli",
        "workload-identity",
        "managed-identity",
        "china",
        FACTORY_ID,
        FACTORY_ID + "/",
        '{"a": "' + FACTORY_ID + '", "b": null}',
    ]
)


@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(known_names())), st.one_of(ODD, st.text(max_size=40)), max_size=5
    ),
    without=st.sets(st.sampled_from(sorted(RIGHT))),
)
def test_no_settings_fail_the_import(changes: dict[str, str], without: set[str]) -> None:
    """Any values of any settings are composed or refused as settings."""
    environ = {name: value for name, value in RIGHT.items() if name not in without} | changes
    with suppress(SettingsError):
        compose(Settings.from_env(environ))


SECRET = "hushc2VjcmV0"
MISPLACED = [
    SECRET,
    f"http://{SECRET}",
    f"https://u:{SECRET}@h",
    f"https://{SECRET}?sig={SECRET}",
    f"AccountName={SECRET};AccountKey={SECRET};EndpointSuffix={SECRET}",
    f"AccountName=a;AccountKey={SECRET}==;TableEndpoint=ftp://{SECRET};QueueEndpoint={SECRET}",
    f"BlobEndpoint=https://{SECRET};SharedAccessSignature={SECRET}",
    f'{{"a": "{SECRET}"}}',
    f"[{SECRET}",
    f"/{SECRET}",
]


@pytest.mark.parametrize("name", sorted(known_names()))
def test_no_fault_shows_the_value_of_a_setting(name: str) -> None:
    """Neither the settings nor the libraries behind them repeat a value, whichever setting has it."""
    by_identity = {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage__accountName": "account"}
    reported = [_faults_of({**base, name: value}) for base in (RIGHT, by_identity) for value in MISPLACED]
    assert [each for each in reported if SECRET in each] == []


def _faults_of(environ: dict[str, str]) -> str:
    try:
        compose(Settings.from_env(environ))
    except SettingsError as exc:
        return str(exc)
    return ""

"""The routes of the settings name app settings that hold URLs and secrets, and hold none."""

import json
from typing import Any

import pytest

from adf_trigger.errors import SettingsError
from adf_trigger.settings import Settings
from tests.support.documents import ROOT, section
from tests.support.world import settings

SECRET = "whsec_" + "A" * 32
HOOK = {"webhook": {"url": "FINANCE_URL", "secret": "FINANCE_SECRET"}}
ENVIRONMENT = {"FINANCE_URL": "https://hooks.example.com/in", "FINANCE_SECRET": SECRET}


def read(routes: Any, **more: str) -> Settings:
    """Settings with these routes."""
    return settings(ADF_TRIGGER_ROUTES=json.dumps(routes), **more)


def faults(routes: Any, **more: str) -> str:
    """All their faults."""
    with pytest.raises(SettingsError) as caught:
        read(routes, **more)
    return "\n".join(caught.value.faults)


def test_a_webhook_is_read_from_the_named_app_settings() -> None:
    """Their values are shown nowhere."""
    found = read({"finance": HOOK}, **ENVIRONMENT)
    assert found.webhooks["finance"].url == ENVIRONMENT["FINANCE_URL"]
    assert found.webhooks["finance"].key == bytes(24)
    everything = repr(found) + found.model_dump_json() + repr(found.webhooks)
    assert "hooks.example.com" not in everything
    assert "AAAA" not in everything
    assert found.warnings == ()


def test_a_named_app_setting_is_not_unknown() -> None:
    """It may begin with our prefix."""
    routes = {"f": {"webhook": {"url": "ADF_TRIGGER_F_URL", "secret": "FINANCE_SECRET"}}}
    assert read(routes, ADF_TRIGGER_F_URL="https://a.example/", FINANCE_SECRET=SECRET).warnings == ()


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"FINANCE_SECRET": SECRET}, "the app setting FINANCE_URL is not set"),
        ({"FINANCE_URL": "https://a.example/"}, "the app setting FINANCE_SECRET is not set"),
        ({**ENVIRONMENT, "FINANCE_URL": "http://a.example/"}, "FINANCE_URL must begin with https://"),
        (
            {**ENVIRONMENT, "FINANCE_URL": "https://10.0.0.1/"},
            "FINANCE_URL must have a host by its full name",
        ),
        ({**ENVIRONMENT, "FINANCE_URL": "@Microsoft.KeyVault(SecretUri=x)"}, "FINANCE_URL is a reference"),
        ({**ENVIRONMENT, "FINANCE_SECRET": "hush"}, "FINANCE_SECRET must be whsec_"),
        ({**ENVIRONMENT, "FINANCE_SECRET": "whsec_c2hvcnQ="}, "FINANCE_SECRET must be whsec_"),
    ],
)
def test_faults_of_an_app_setting_are_reported_without_its_value(more: dict[str, str], fault: str) -> None:
    """They have the name of the setting that refers to it."""
    said = faults({"finance": HOOK}, **more)
    assert f"ADF_TRIGGER_ROUTES.finance: the app setting {fault.removeprefix('the app setting ')}" in said
    assert not [value for value in more.values() if value in said]


@pytest.mark.parametrize(
    "route",
    [
        {},
        {**HOOK, "queue": "finance"},
        {"queue": "Finance"},
        {"queue": "a--b"},
        {"queue": "finance", "statuses": ["InProgress"]},
        {"queue": "finance", "statuses": ["Done"]},
        {"queue": "finance", "surprise": 1},
        {"webhook": {"url": "https://hooks.example.com", "secret": "S"}},
        {"queue": "adf-run-events"},
        {"queue": "adf-run-requests"},
        {"queue": "adf-run-requests-poison"},
        {"queue": "adf-run-requests-rejected"},
    ],
)
def test_a_dead_end_or_a_circle_of_routes_is_a_fault(route: Any) -> None:
    """A URL in the policy itself is one, too."""
    assert "ADF_TRIGGER_ROUTES" in faults({"finance": route}, **ENVIRONMENT)


def test_faulty_routes_are_left_out() -> None:
    """An app with faulty routes can still report them."""
    found = Settings.salvaged(
        {
            "ADF_TRIGGER_FACTORIES": str(settings().factories["default"]),
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ADF_TRIGGER_ROUTES": json.dumps({"finance": HOOK}),
        }
    )
    assert found.routes == {}


def test_the_routes_of_the_page_are_routes() -> None:
    """They are used as printed, with the app settings that they name."""
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    printed = section(page, "## Many consumers").partition("```json")[2].partition("```")[0]
    found = read(json.loads(printed), ON_CALL_URL="https://hooks.example.com/", ON_CALL_SECRET=SECRET)
    assert [name for name, route in found.routes.items() if route.wants("LoadInvoices", "Failed", None)] == [
        "finance",
        "on-call",
    ]
    assert list(found.webhooks) == ["on-call"]


def test_a_route_selects_ends() -> None:
    """By pipeline in any case, by status, by caller; an absent condition selects all."""
    routes = read(
        {
            "all": {"queue": "all"},
            "some": {"queue": "some", "pipelines": ["LOAD"], "statuses": ["Failed"], "callers": ["key:x"]},
        }
    ).routes
    assert routes["all"].wants("any", "Succeeded", None)
    assert routes["some"].wants("load", "Failed", "key:x")
    for other in (("other", "Failed", "key:x"), ("load", "Succeeded", "key:x"), ("load", "Failed", None)):
        assert not routes["some"].wants(*other)

"""What the triggers bind to, and what happens to a message while the settings are faulty."""

from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import SettingsError
from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import AT_FAULT, NOT_YET_SET, Bindings
from adf_trigger.functions.composition import Composition
from adf_trigger.functions.services import Services
from adf_trigger.functions_host.worker.context import InvocationContext
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller


def test_the_use_cases_are_composed_once_and_retried_while_the_settings_are_faulty() -> None:
    """Settings that come later, as on a pre-warmed instance, are found at the next use."""
    world, tries = World(), []
    faults = [SettingsError(["ADF_TRIGGER_FACTORIES: is required"])] * 2

    def compose() -> Services:
        tries.append(1)
        if faults:
            raise faults.pop()
        return world.services

    use_cases = Composition(compose)
    for _ in range(2):
        with pytest.raises(SettingsError):
            use_cases()
    assert use_cases() is use_cases() is world.services
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("function", "context"),
    [("take_request", [InvocationContext("i-1", "take_request", ".")]), ("take_poison", [])],
)
def test_a_message_whose_storage_is_not_known_is_delivered_again(
    function: str, context: list[InvocationContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot even be put back the function fails, so that the host keeps the message."""
    for name in ("AzureWebJobsStorage", "AzureWebJobsStorage__accountName"):
        monkeypatch.delenv(name, raising=False)

    def faulty() -> Any:
        raise SettingsError(["AzureWebJobsStorage: no storage is named"])

    functions = {
        str(each.get_function_name()): each.get_user_function()
        for each in app_of(faulty, Bindings("q", "q-poison", "* * * * * *")).get_functions()
    }
    with pytest.raises(SettingsError):
        functions[function](func.QueueMessage(id="m", body=b"{}"), *context)


def test_an_unknown_name_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A setting without effect is a warning when the use cases are composed."""
    world = World()
    settings = type(world.settings).from_env(
        {
            "ADF_TRIGGER_FACTORIES": str(world.settings.factories["default"]),
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ADF_TRIGGER_TABEL": "x",
        }
    )
    use_cases = Composition(lambda: World(settings=settings).services)
    use_cases()
    use_cases()
    (record,) = [each for each in caplog.records if getattr(each, "action", "") == "setting_unknown"]
    assert "ADF_TRIGGER_TABLE" in record.getMessage()


@pytest.mark.parametrize(
    ("bound_to", "now", "well"),
    [
        (AT_FAULT, {}, False),
        (NOT_YET_SET, {}, False),
        (NOT_YET_SET, {"ADF_TRIGGER_REQUESTS_QUEUE": "mine"}, True),
        ("mine", {"ADF_TRIGGER_REQUESTS_QUEUE": "mine"}, True),
        ("mine", {}, False),
    ],
)
def test_health_fails_where_the_queue_is_not_read(bound_to: str, now: dict[str, str], *, well: bool) -> None:
    """Settings that are corrected later do not rebind: until a restart the queue of the settings is not read."""
    world = World(settings=settings(**now))
    caller = Caller(world, Bindings(bound_to, f"{bound_to}-poison", "* * * * * *"))
    caller.tick()
    world.restart()
    assert (caller.health().status_code == 200) is well

"""The arrows between the rooms run one way."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.sources import PACKAGE, ROOT, imports_of, modules


def offenders(room: str, *forbidden: str) -> list[str]:
    """Imports below a room that it may not have."""
    return [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(PACKAGE / room)
        for name in sorted(imports_of(module))
        if any(name == each or name.startswith(f"{each}.") for each in forbidden)
    ]


NOT_DEPLOYED = ("__main__", "client", "emulator", "functions_host", "local")
DEPLOYED = [
    each.name
    for each in sorted(PACKAGE.iterdir())
    if each.name not in (*NOT_DEPLOYED, "__main__.py", "__pycache__", "py.typed")
]
OUTER = ("adf_trigger.service", "adf_trigger.functions", "azure.functions")


@pytest.mark.parametrize("room", [*DEPLOYED, "../function_app.py"])
def test_deployed_code_never_imports_what_stays_at_home(room: str) -> None:
    """What is deployed knows neither the client nor the emulator, the Functions host and the local stack."""
    assert offenders(room, *(f"adf_trigger.{name}" for name in NOT_DEPLOYED)) == []


def test_what_stays_at_home_is_left_out_of_the_package() -> None:
    """.funcignore names every room that is not deployed."""
    ignored = (ROOT / ".funcignore").read_text("utf-8").split()
    rooms = [f"/adf_trigger/{name}{'.py' if name == '__main__' else '/'}" for name in NOT_DEPLOYED]
    assert [room for room in rooms if room not in ignored] == []


@pytest.mark.parametrize("room", ["emulator", "functions_host", "local/azurite"])
def test_the_emulators_are_written_apart_from_the_service(room: str) -> None:
    """They share no code with the client, so that they cannot share a mistake: each stands alone."""
    own = f"adf_trigger.{room.replace('/', '.')}"
    allowed = (own, "adf_trigger.local") if room.startswith("local/") else (own,)
    foreign = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(PACKAGE / room)
        for name in sorted(imports_of(module))
        if name.startswith("adf_trigger")
        and not any(name == each or name.startswith(f"{each}.") for each in allowed)
    ]
    assert foreign == []


@pytest.mark.parametrize(
    "room",
    [
        "azure",
        "datafactory",
        "ledger",
        "events",
        "contracts.py",
        "news.py",
        "orders.py",
        "errors.py",
        "messages",
        "settings",
        "triggers",
    ],
)
def test_inner_rooms_know_nothing_of_the_outer_ones(room: str) -> None:
    """Clients, ledger and contracts know neither use cases nor functions."""
    assert offenders(room, *OUTER) == []


def test_use_cases_know_no_http_and_no_host() -> None:
    """The service speaks through its ports."""
    assert offenders("service", "adf_trigger.functions", "azure", "requests", "http") == []


def test_triggers_are_judged_without_any_effect() -> None:
    """What an event starts is worked out of event and definitions alone: the command shows what the service does."""
    outside = ("azure", "datafactory", "ledger", "events", "settings", "clock")
    assert offenders("triggers", *(f"adf_trigger.{room}" for room in outside), "azure", "requests") == []


def test_functions_know_ledger_and_queues_only_to_compose_them() -> None:
    """What a function decodes goes to a use case; storage is named where adapters are made and wired alone."""
    composing = {"adapters.py", "services.py", "wiring.py"}
    rooms = [f"functions/{module.name}" for module in modules(PACKAGE / "functions")]
    assert composing <= {Path(room).name for room in rooms}
    storage = (
        "adf_trigger.ledger",
        "adf_trigger.events",
        "adf_trigger.azure.storage",
        "adf_trigger.settings.opening",
        "azure.data",
        "azure.storage",
    )
    found = [offenders(room, *storage) for room in rooms if Path(room).name not in composing]
    assert [each for each in found if each] == []


def test_one_module_writes_the_ledger() -> None:
    """The use cases read the ledger; records.py alone is given one that can be written."""
    writers = [
        module.name
        for module in modules(PACKAGE / "service")
        if "adf_trigger.ledger.port.Ledger" in imports_of(module)
    ]
    assert writers == ["records.py"]


def test_the_client_knows_the_service_by_its_contract_alone() -> None:
    """What both share are the models, the errors and what is Azure's in words: no use case, no ledger, no SDK."""
    shared = (
        "azure.clouds",
        "azure.retry_after",
        "clock",
        "contracts",
        "errors",
        "news",
        "orders",
        "readings",
        "request_ids",
        "triggers",
        "results",
        "wire",
    )
    allowed = ("adf_trigger.client", "adf_trigger.local", *(f"adf_trigger.{name}" for name in shared))
    foreign = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(PACKAGE / "client")
        for name in sorted(imports_of(module))
        if name.startswith("adf_trigger.")
        and not any(name == each or name.startswith(f"{each}.") for each in allowed)
    ]
    assert [each for each in foreign if not each.endswith(" adf_trigger.__version__")] == []


@pytest.mark.parametrize("room", ["contract", "connectors", "copying", "activities", "engine"])
def test_pipelines_run_without_the_management_api(room: str) -> None:
    """No HTTP server and no store in what runs them."""
    forbidden = ("starlette", "uvicorn", "adf_trigger.emulator.handlers", "adf_trigger.emulator.store")
    assert offenders(f"emulator/{room}", *forbidden) == []


def test_engine_and_activities_meet_in_their_contract_alone() -> None:
    """The engine knows no activity type, an activity type no engine; a catalogue above them joins both."""
    rooms = [f"adf_trigger.emulator.{room}" for room in ("activities", "copying", "connectors", "engine")]
    assert offenders("emulator/contract", *rooms) == []
    assert offenders("emulator/engine", *rooms[:3]) == []
    for room in ("activities", "copying", "connectors"):
        assert offenders(f"emulator/{room}", "adf_trigger.emulator.engine") == []


def test_connectors_are_used_by_activities_and_know_none() -> None:
    """Copy, Delete, GetMetadata, Lookup and Validation stand on them; the maps of Copy stand apart."""
    assert (
        offenders("emulator/connectors", "adf_trigger.emulator.activities", "adf_trigger.emulator.copying")
        == []
    )


def test_the_environment_is_read_in_one_place() -> None:
    """Deployed code reads os.environ in the settings alone, the client in its own."""
    readers = [
        str(module.relative_to(ROOT))
        for room in ("client", *DEPLOYED)
        for module in modules(PACKAGE / room)
        if re.search(r"os\.environ|getenv|import environ", module.read_text())
    ]
    assert readers == ["adf_trigger/client/settings.py", "adf_trigger/settings/model.py"]


def test_the_page_for_contributors_shows_every_room() -> None:
    """CONTRIBUTING.md names each folder and each module of the package's top level."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rooms = [f"{each.name}/" if each.is_dir() else each.name for each in sorted(PACKAGE.iterdir())]
    unseen = ("__pycache__/", "__init__.py", "py.typed", ".DS_Store")
    assert [room for room in rooms if room not in unseen and room not in page] == []


def test_deployed_rooms_import_down_the_list_alone() -> None:
    """In the order in which CONTRIBUTING.md lists them, no deployed room imports one above it."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    listed = re.findall(r"^ {6}(\w+)/ ", page, re.MULTILINE)
    order = [room for room in listed if room in DEPLOYED]
    assert set(order) == {room for room in DEPLOYED if (PACKAGE / room).is_dir()}
    assert against(order, "adf_trigger") == []


def test_the_rooms_of_the_service_import_down_the_list_alone() -> None:
    """Nor does one of the service: what all of them share lies in its own folder, which imports none of them."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    order = re.findall(r"^ {8}(\w+)/ ", page, re.MULTILINE)
    service = PACKAGE / "service"
    assert set(order) == {each.parent.name for each in service.glob("*/__init__.py")}
    assert against([f"service/{room}" for room in order], "adf_trigger") == []
    rooms = [f"adf_trigger.service.{room}" for room in order]
    found = [offenders(f"service/{module.name}", *rooms) for module in service.glob("*.py")]
    assert [each for each in found if each] == []


def against(order: list[str], package: str) -> list[str]:
    """The imports of rooms that stand above, in their order from the outermost to the innermost."""
    names = [f"{package}.{room.replace('/', '.')}" for room in order]
    return [each for place, room in enumerate(order) for each in offenders(room, *names[:place])]


def test_the_unit_tests_of_the_service_mirror_its_rooms() -> None:
    """A folder of tests is a room's, and holds the tests that are called after modules of that room."""
    tests = ROOT / "tests" / "unit" / "service"
    homes: dict[str, set[str]] = defaultdict(set)
    for module in modules(PACKAGE / "service"):
        homes[module.stem].add(module.parent.name)
    found = [(each.stem.removeprefix("test_"), each.parent.name) for each in modules(tests)]
    rooms = {"service", *(each.parent.name for each in (PACKAGE / "service").glob("*/__init__.py"))}
    assert {room for _, room in found} - rooms == set()
    assert [(name, room) for name, room in found if room not in homes.get(name, {room})] == []


@pytest.mark.parametrize(
    "module",
    [
        "contracts.py",
        "news.py",
        "orders.py",
        "readings.py",
        "results.py",
        "wire.py",
        "errors.py",
        "clock.py",
    ],
)
def test_what_every_room_shares_imports_no_room(module: str) -> None:
    """So the package's own folder, too, is imported by the folders in it and imports none of them."""
    rooms = [f"adf_trigger.{each.name}" for each in sorted(PACKAGE.iterdir()) if each.is_dir()]
    assert offenders(module, *rooms) == []

"""The deployment checked by Microsoft's compiler. Without a `bicep` on PATH these tests are skipped."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import Compiler, Rejected, running
from tests.support.grid_events import blob_trigger

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
FILES = sorted(str(path.relative_to(ROOT)) for path in INFRA.rglob("*.bicep"))
EXAMPLE = Path(__file__).with_name("example.bicepparam")
FACTORY = (
    "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg-data"
    "/providers/Microsoft.DataFactory/factories/adf-prod"
)
NOT_IDS = {
    "nothing": " ",
    "a name": "adf-prod",
    "a group": "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg-data",
    "no slash first": FACTORY[1:],
    "a slash at the end": f"{FACTORY}/",
    "another type": FACTORY.replace("DataFactory/factories", "Storage/storageAccounts"),
    "a pipeline of it": f"{FACTORY}/pipelines/load",
    "two": f"{FACTORY},{FACTORY}",
    "two names": f"{FACTORY},adf-lab",
    "a blank inside": FACTORY.replace("adf-prod", "adf prod"),
    "no group": FACTORY.replace("rg-data", ""),
    "no subscription": FACTORY.replace("a0b1c2d3-0000-4000-8000-00000000005b", "default"),
}

_COMPILER = shutil.which("bicep")
pytestmark = pytest.mark.skipif(_COMPILER is None, reason="no Bicep compiler on PATH")


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    """The compiler, started once."""
    with running(_COMPILER or "bicep") as started:
        yield started


def snapshot(compiler: Compiler, folder: Path, *, infra: Path = INFRA, **parameters: Any) -> dict[str, Any]:
    """What a deployment of an example with these parameters would create."""
    file = folder / "parameters.bicepparam"
    template = os.path.relpath(infra / "main.bicep", folder)
    given = {"environmentName": "example", "location": "westeurope", "factoryId": FACTORY, **parameters}
    lines = [f"param {name} = {json.dumps(value).replace(chr(34), chr(39))}" for name, value in given.items()]
    file.write_text("\n".join([f"using '{template}'", *lines, ""]))
    return compiler.snapshot(file)


def predicted(compiler: Compiler, folder: Path, **parameters: Any) -> list[dict[str, Any]]:
    """The resources that a deployment would create."""
    document = snapshot(compiler, folder, **parameters)
    assert document["diagnostics"] == []
    resources: list[dict[str, Any]] = document["predictedResources"]
    return resources


def of_type(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The resources of a type."""
    return [resource for resource in resources if resource["type"] == kind]


def names_of_roles(resources: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The names of the roles that are defined, and of those that are assigned on factories."""
    return [
        (resource["type"], resource["name"])
        for resource in resources
        if resource["type"] == "Microsoft.Authorization/roleDefinitions"
        or (resource["type"] == "Microsoft.Authorization/roleAssignments" and "DataFactory" in resource["id"])
    ]


def test_the_compiler_reports_nothing(compiler: Compiler) -> None:
    """The template builds and lints without warnings."""
    assert compiler.compiled(INFRA / "main.bicep")


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_formatted(file: str, compiler: Compiler) -> None:
    """The formatter would change nothing."""
    assert compiler.formatted(ROOT / file) == (ROOT / file).read_text()


def test_a_deployment_creates_what_its_snapshot_shows(compiler: Compiler) -> None:
    """The snapshots of the example deployments are current; `bicep snapshot --mode overwrite` rewrites them."""
    assert compiler.snapshot(EXAMPLE) == json.loads(EXAMPLE.with_suffix(".snapshot.json").read_text())


@pytest.mark.parametrize("what", sorted(NOT_IDS))
def test_an_invalid_factory_id_is_rejected_by_name(what: str, compiler: Compiler, tmp_path: Path) -> None:
    """The deployment fails before it creates anything, naming the parameter and its fault."""
    fault = f'factoryId: "{NOT_IDS[what].strip()}" is not the resource id of a data factory'
    with pytest.raises(Rejected, match=re.escape(fault)):
        snapshot(compiler, tmp_path, factoryId=NOT_IDS[what])


def test_every_fault_of_the_factories_is_named(compiler: Compiler, tmp_path: Path) -> None:
    """An invalid id of another factory, a duplicate alias and a factory named twice are reported together."""
    others = {"lab": "adf-lab", "default": FACTORY, "same": FACTORY.upper()}
    with pytest.raises(Rejected) as rejected:
        snapshot(compiler, tmp_path, otherFactories=others)
    assert 'lab: "adf-lab" is not the resource id of a data factory' in str(rejected.value)
    assert 'otherFactories: "default" is the alias of factoryId' in str(rejected.value)
    assert "otherFactories: one factory has two aliases" in str(rejected.value)


def test_letter_case_and_blanks_change_no_name(compiler: Compiler, tmp_path: Path) -> None:
    """However the id is written, roles and assignments keep their names."""
    plain = names_of_roles(predicted(compiler, tmp_path))
    odd = names_of_roles(predicted(compiler, tmp_path, factoryId=f"  {FACTORY.upper()} "))
    assert len(plain) == 2
    assert odd == plain


def test_factories_of_one_group_share_a_definition(compiler: Compiler, tmp_path: Path) -> None:
    """Three factories in two subscriptions: a definition a group, an assignment a factory."""
    others = {
        "archive": FACTORY.upper().replace("ADF-PROD", "ADF-ARCHIVE"),
        "lab": FACTORY.replace("5b/", "5c/").replace("adf-prod", "adf-lab"),
    }
    kinds = [kind for kind, _ in names_of_roles(predicted(compiler, tmp_path, otherFactories=others))]
    assert sorted(kinds) == [
        *["Microsoft.Authorization/roleAssignments"] * 3,
        *["Microsoft.Authorization/roleDefinitions"] * 2,
    ]


def copied(folder: Path) -> Path:
    """A copy of the template and its files, for changes."""
    shutil.copytree(INFRA, folder / "infra")
    shutil.copy(ROOT / "host.json", folder)
    return folder / "infra"


def test_more_requests_than_the_host_accepts_are_rejected(compiler: Compiler, tmp_path: Path) -> None:
    """A concurrency over host.json's fails the deployment and says so."""
    infra = copied(tmp_path)
    host = json.loads((tmp_path / "host.json").read_text())
    host["extensions"]["http"]["maxConcurrentRequests"] = 8
    (tmp_path / "host.json").write_text(json.dumps(host))
    with pytest.raises(Rejected, match=r"httpConcurrency: 9 is over maxConcurrentRequests in host\.json, 8"):
        snapshot(compiler, tmp_path, infra=infra, httpConcurrency=9)


def test_a_principal_that_is_named_twice_is_granted_once(compiler: Compiler, tmp_path: Path) -> None:
    """One assignment a principal, role and queue, however often it is named."""
    one = "a0b1c2d3-0000-4000-8000-0000000000e1"
    lists = {"senders": [one, one], "consumers": [one, one], "operators": [one]}
    assignments = of_type(predicted(compiler, tmp_path, **lists), "Microsoft.Authorization/roleAssignments")
    granted = [each["id"] for each in assignments if each["properties"]["principalId"] == one]
    assert len(granted) == len(set(granted)) == 4


def test_a_policy_of_the_file_becomes_the_setting(compiler: Compiler, tmp_path: Path) -> None:
    """policy.json reaches the template, text that looks like an expression included."""
    infra = copied(tmp_path)
    policy = {"*": {"correlationParameter": "[requestId]"}}
    (infra / "policy.json").write_text(json.dumps(policy))
    assert '"correlationParameter": "[[requestId]"' in compiler.compiled(infra / "main.bicep")


ROUTES = {
    "finance": {"queue": "finance", "pipelines": ["LoadInvoices"]},
    "twice": {"queue": "finance", "statuses": ["Failed"]},
    "on-call": {"webhook": {"url": "ON_CALL_URL", "secret": "ON_CALL_SECRET"}},
}


def test_routes_of_the_file_become_the_setting_and_their_queues_are_created(
    compiler: Compiler, tmp_path: Path
) -> None:
    """Each queue is created once; its consumer has a role on it alone."""
    infra = copied(tmp_path)
    (infra / "routes.json").write_text(json.dumps(ROUTES))
    loaded = compiler.compiled(infra / "main.bicep").count('"url": "ON_CALL_URL"')
    assert loaded == 2, "once for the queues, once for the setting"
    reader = "a0b1c2d3-0000-4000-8000-0000000000e4"
    resources = predicted(compiler, tmp_path, infra=infra, routeConsumers={"finance": [reader, reader]})
    queues = [each["name"] for each in resources if each["type"].endswith("queueServices/queues")]
    assert [name for name in queues if name.endswith("/finance")] == queues[-1:]
    assert len(queues) == 5
    (granted,) = (
        each
        for each in of_type(resources, "Microsoft.Authorization/roleAssignments")
        if each["properties"]["principalId"] == reader
    )
    assert "/queues/finance/" in granted["id"]


def test_consumers_of_a_queue_without_a_route_are_rejected(compiler: Compiler, tmp_path: Path) -> None:
    """A misspelt queue would be granted without any use."""
    with pytest.raises(Rejected, match=r"routes\.json has no route to the queue financ"):
        snapshot(compiler, tmp_path, routeConsumers={"financ": ["a0b1c2d3-0000-4000-8000-0000000000e4"]})


def test_triggers_of_the_file_become_the_setting(compiler: Compiler, tmp_path: Path) -> None:
    """triggers.json reaches the template, the references of its parameters included."""
    infra = copied(tmp_path)
    (infra / "triggers.json").write_text(json.dumps([blob_trigger()]))
    assert '"file": "@triggerBody().fileName"' in compiler.compiled(infra / "main.bicep")

"""The emulator's page, its commands run as they stand, and their effects."""

import json
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.documents import (
    ROOT,
    count_of_blocks,
    marked_blocks,
    output_of,
    section,
    serving,
    table_rows,
)
from tests.support.waiting import LIMIT

PAGE = (ROOT / "adf_trigger" / "emulator" / "README.md").read_text("utf-8")
BLOCKS = marked_blocks(PAGE)
LOAD, SERVE = marked_blocks(section(PAGE, "## Run it"))
CONNECT, CALL = marked_blocks(section(PAGE, "### By curl"))
(SDK,) = marked_blocks(section(PAGE, "### By the official SDK"))
(TESTS,) = marked_blocks(section(PAGE, "### From a test suite"))
NAMES = marked_blocks(section(PAGE, "## Under Azure's own names"))
"""Run by tests of their own, which have a stack and its names."""
WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
NOTHING: dict[str, Any] = {"activities": []}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")


def blocks_under(heading: str) -> list[str]:
    """The code under a heading about scripting."""
    return [block.code for block in marked_blocks(section(PAGE, heading))]


@dataclass
class Served:
    """The process of the page, in the folder that its reader is in.

    Attributes:
        facts: what factory.json says.
        adf: calls its factory, with a token.
        control: calls its control API.
    """

    folder: Path
    facts: dict[str, Any]
    adf: httpx.Client
    control: httpx.Client

    def paste(self, code: str) -> list[Any]:
        """Run a block of bash after those that it builds on; gives its lines of JSON."""
        text = output_of("bash", CONNECT.code + code, folder=self.folder)
        return [json.loads(line) for line in text.splitlines() if line]

    def publish(self, name: str, properties: dict[str, Any] = NOTHING) -> None:
        """Make a pipeline."""
        self.adf.put(f"pipelines/{name}", json={"properties": properties}).raise_for_status()

    def start(self, pipeline: str, **headers: str) -> str:
        """Start a run; give its id."""
        reply = self.adf.post(f"pipelines/{pipeline}/createRun", headers=headers).raise_for_status()
        run_id: str = reply.json()["runId"]
        return run_id

    def run(self, run_id: str) -> dict[str, Any]:
        """A run, read once."""
        run: dict[str, Any] = self.adf.get(f"pipelineruns/{run_id}").raise_for_status().json()
        return run

    def ended(self, run_id: str) -> dict[str, Any]:
        """A run when it has ended."""
        wait_for(lambda: self.run(run_id)["status"] not in {"Queued", "InProgress"})
        return self.run(run_id)

    def listed(self) -> list[str]:
        """Ids of the runs that a list shows."""
        reply = self.adf.post("queryPipelineRuns", json=WINDOW).raise_for_status()
        return [run["runId"] for run in reply.json()["value"]]

    def runs(self) -> list[dict[str, Any]]:
        """The runs that there are."""
        runs: list[dict[str, Any]] = self.control.get("runs").json()["runs"]
        return runs


def wait_for(condition: Callable[[], object], limit: float = LIMIT) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A factory loaded and served by the page's first commands."""
    folder = tmp_path_factory.mktemp("page")
    write_repository(folder / "path" / "to" / "repository")
    write_template(folder / "path" / "to" / "template")
    output_of(*LOAD, folder=folder)
    with serving(SERVE.code, folder=folder, facts="factory.json") as facts:
        client = httpx.Client(
            base_url=facts["management_url"] + facts["factory_id"], params={"api-version": "2018-06-01"}
        )
        with client as adf, httpx.Client(base_url=facts["control_url"]) as control:
            adf.headers["Authorization"] = f"Bearer {token(facts)}"
            yield Served(folder, facts, adf, control)


@pytest.fixture
def served(process: Served) -> Served:
    """The same, with what the page publishes, and nothing left of the test before."""
    process.control.post("reset", json={"keep": "resources"}).raise_for_status()
    process.publish("Nightly")
    process.publish("Pause")
    return process


def token(facts: dict[str, Any]) -> str:
    """A token, from the version 1 endpoint."""
    reply = httpx.post(
        f"{facts['authority_url']}/{facts['tenant_id']}/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": facts["client_id"],
            "client_secret": facts["client_secret"],
            "resource": "https://management.azure.com/",
        },
        verify=ssl.create_default_context(cafile=facts["ca_file"]),
    )
    granted: str = reply.raise_for_status().json()["access_token"]
    return granted


def write_repository(folder: Path) -> None:
    """The folder of a factory's Git repository."""
    write(folder / "pipeline" / "Nightly.json", {"name": "Nightly", "properties": NOTHING})
    store = {"type": "AzureBlobStorage", "typeProperties": {"serviceEndpoint": "https://cloud.example"}}
    write(folder / "linkedService" / "AzureStorage.json", {"name": "AzureStorage", "properties": store})


def write_template(folder: Path) -> None:
    """The folder of an exported ARM template."""
    connection = "[parameters('AzureStorage_connectionString')]"
    resource = {
        "name": "[concat(parameters('factoryName'), '/AzureStorage')]",
        "type": "Microsoft.DataFactory/factories/linkedServices",
        "properties": {"type": "AzureBlobStorage", "typeProperties": {"connectionString": connection}},
    }
    parameters = {
        "factoryName": {"type": "string", "defaultValue": "cloud"},
        "AzureStorage_connectionString": {"type": "secureString"},
    }
    write(folder / "ARMTemplateForFactory.json", {"parameters": parameters, "resources": [resource]})


def write(file: Path, document: dict[str, Any]) -> None:
    """Write JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))


def test_no_command_of_the_page_is_left_out() -> None:
    """Every block of bash or Python is marked, and under a heading that a test here reads."""
    scripting = [block for block in marked_blocks(section(PAGE, "## Script it")) if block.kind == "bash"]
    assert [*(LOAD, SERVE, CONNECT, CALL, SDK, TESTS), *NAMES, *scripting] == BLOCKS
    assert len(BLOCKS) == count_of_blocks(PAGE)
    tried = (
        "### Faults",
        "### Progression",
        "### Clock",
        "### Secrets",
        "### Requests, runs, options, reset",
    )
    assert [code for heading in tried for code in blocks_under(heading)] == [it.code for it in scripting]


def test_the_table_of_the_json_is_what_the_command_prints(process: Served) -> None:
    """Every name is explained, and no other."""
    rows = table_rows(section(PAGE, "## Run it"))
    assert {name.strip("`") for row in rows for name in row[0].split(", ")} == set(process.facts)


def test_loaded_resources_exist_with_local_stores(served: Served) -> None:
    """The repository and the template are each in a factory, their storage that of this machine."""
    assert served.adf.get("pipelines/Nightly").json()["properties"] == NOTHING
    other = served.facts["factory_id"].rpartition("/")[0] + "/from-template"
    for factory in (served.facts["factory_id"], other):
        url = f"{served.facts['management_url']}{factory}/linkedservices/AzureStorage"
        store = served.adf.get(url).raise_for_status().json()["properties"]["typeProperties"]
        assert store["connectionString"] == "UseDevelopmentStorage=true"


def test_curl_and_the_sdk_run_a_pipeline(served: Served) -> None:
    """By curl it is published, started, awaited and looked into; by the SDK it is listed and started."""
    published, ended, found, activities = served.paste(CALL.code)
    assert published["name"] == "Pause"
    assert (ended["status"], ended["parameters"]) == ("Succeeded", {"seconds": "1"})
    assert [run["runId"] for run in found["value"]] == [ended["runId"]]
    (activity,) = activities["value"]
    assert (activity["activityName"], activity["status"]) == ("Rest", "Succeeded")
    pipelines, status = output_of(*SDK, folder=served.folder).splitlines()
    assert pipelines == "['Nightly', 'Pause']"
    assert status in {"Queued", "InProgress"}


def test_a_test_suite_has_an_emulator_of_its_own(tmp_path: Path) -> None:
    """The fixtures start it, give it to the test, which passes, and stop it."""
    (tmp_path / "test_load.py").write_text(TESTS.code)
    command = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -W error test_load.py"
    assert "1 passed" in output_of("bash", command, folder=tmp_path)


def test_faults_do_what_is_said_of_them(served: Served) -> None:
    """A 503 after the effect, once; then lists that lag while single reads are slow; then neither."""
    after_effect, lag, end = blocks_under("### Faults")
    served.paste(after_effect)
    lost = served.adf.post("pipelines/Nightly/createRun")
    assert (lost.status_code, lost.headers["Retry-After"], len(served.runs())) == (503, "2", 1)
    run_id = served.start("Nightly")
    assert len(served.listed()) == 2

    served.paste(lag)
    assert served.listed() == []
    began = time.monotonic()
    assert served.run(run_id)["runId"] == run_id
    assert time.monotonic() - began >= 0.2

    (rules,) = served.paste(end)
    shown = [(rule["operation"], rule["fault"], rule.get("fired")) for rule in rules]
    assert shown == [
        ("CreateRun", "status", 1),
        ("QueryPipelineRuns", "missing", None),
        ("GetRun", "delay", 1),
    ]
    assert len(served.listed()) == 2


def test_runs_progress_as_configured(served: Served) -> None:
    """Held and released, at once, after reads, after seconds, and for real again."""
    held, release, later, real = blocks_under("### Progression")
    served.paste(held)
    failed = served.run(served.start("Nightly"))
    assert (failed["status"], failed["message"]) == ("Failed", "no such table")
    (released,) = served.paste(release)
    (run_id,) = released["released"]
    assert served.run(run_id)["status"] == "Cancelled"

    served.paste(later)
    run_id = served.start("Pause")
    statuses = [served.run(run_id)["status"] for _ in range(3)]
    assert statuses == ["InProgress", "InProgress", "Succeeded"]
    timed = served.ended(served.start("Nightly"))
    assert timed["status"] == "Succeeded"
    assert timed["durationInMs"] >= 490

    served.paste(real)
    fail = {"message": "said by an activity", "errorCode": "500"}
    served.publish("Pause", {"activities": [{"name": "f", "type": "Fail", "typeProperties": fail}]})
    assert "said by an activity" in served.ended(served.start("Pause"))["message"]


def test_a_day_passes(served: Served) -> None:
    """The clock is a day on, and the run that a daily trigger is due to start is there."""
    (advance,) = blocks_under("### Clock")
    recurrence = {"frequency": "Day", "interval": 1, "startTime": "2020-01-01T00:00:00Z", "timeZone": "UTC"}
    trigger = {
        "type": "ScheduleTrigger",
        "typeProperties": {"recurrence": recurrence},
        "pipelines": [{"pipelineReference": {"referenceName": "Nightly", "type": "PipelineReference"}}],
    }
    served.adf.put("triggers/daily", json={"properties": trigger}).raise_for_status()
    served.adf.post("triggers/daily/start").raise_for_status()
    (reply,) = served.paste(advance)
    assert reply == {"clockOffsetSeconds": 86400}
    wait_for(served.runs)
    assert {run["invokedBy"]["name"] for run in served.runs()} == {"daily"}
    served.adf.post("triggers/daily/stop").raise_for_status()


def test_a_secret_is_given_to_the_runs_that_ask_for_it(served: Served) -> None:
    """The reply has names alone; an activity that names the secret gets its value."""
    (give,) = blocks_under("### Secrets")
    (names,) = served.paste(give)
    assert names == {"KeyVault": ["orders-api-key"]}
    vault = {"type": "AzureKeyVault", "typeProperties": {"baseUrl": "https://127.0.0.1:9"}}
    served.adf.put("linkedservices/KeyVault", json={"properties": vault}).raise_for_status()
    secret = {
        "type": "AzureKeyVaultSecret",
        "store": {"referenceName": "KeyVault", "type": "LinkedServiceReference"},
        "secretName": "orders-api-key",
    }
    call = {
        "url": f"{served.facts['control_url']}/options",
        "method": "GET",
        "authentication": {"type": "Basic", "username": "orders", "password": secret},
    }
    served.publish("Pause", {"activities": [{"name": "w", "type": "WebActivity", "typeProperties": call}]})
    run = served.ended(served.start("Pause"))
    assert (run["status"], run["message"]) == ("Succeeded", "")
    served.control.delete("secrets").raise_for_status()
    assert served.ended(served.start("Pause"))["status"] == "Failed"


def test_requests_and_runs_are_listed_options_changed_and_all_reset(served: Served) -> None:
    """Requests and runs are shown; an option has its effect; a reset leaves the pipelines alone."""
    look, change, reset = blocks_under("### Requests, runs, options, reset")
    ids = [str(uuid4()), str(uuid4())]
    first = served.start("Pause", **{"x-ms-client-request-id": ids[0]})
    seen, runs, newest = served.paste(look)
    assert [(call["clientRequestId"], call["status"]) for call in seen["requests"]] == [(ids[0], 200)]
    assert seen["counts"]["CreateRun"] == 1
    assert ([run["runId"] for run in runs["runs"]], runs["count"]) == ([first], 1)
    assert first == ids[0]
    assert ([run["runId"] for run in newest["runs"]], newest["continuation"]) == ([first], None)

    (options,) = served.paste(change)
    assert options["missing_parameters"] == "refused"
    assert served.start("Pause", **{"x-ms-client-request-id": ids[1]}) != ids[1]

    served.paste(reset)
    assert served.runs() == []
    assert served.control.get("options").json()["client_request_id"] == "honoured"
    assert served.adf.get("pipelines/Pause").is_success

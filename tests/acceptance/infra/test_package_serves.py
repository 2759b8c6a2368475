"""The content of the package alone, with the packages that it asks for, is the app."""

import json
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from packaging.requirements import Requirement

from adf_trigger.functions_host.environment import HOST_KEY
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.process import Process, ready_line
from tests.support.deployed import ISOLATED, closure, link_packages, requirements_of
from tests.support.local_stack import MASTER_KEY, PATIENCE, TIMEOUTS, LocalStack
from tests.support.packing import packed_by_azd, zipped

ROOT = Path(__file__).parents[3]
KEY = "key-of-the-package"
OF_THE_HOST = [Requirement(name) for name in ("starlette", "uvicorn", "azure-storage-blob")]
"""What our Functions host needs on top of what an app has; on Azure it is not Python that the host is written in."""
FAULTLESS = {
    "ADF_TRIGGER_FACTORIES": "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg"
    "/providers/Microsoft.DataFactory/factories/adf",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import adf_trigger
for module in pkgutil.walk_packages(adf_trigger.__path__, "adf_trigger."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""
SERVE = """
import runpy, sys
app, packages, host, *options = sys.argv[1:]
sys.path[:0] = [app, packages]
import adf_trigger
adf_trigger.__path__.append(host)
sys.argv = ["functions_host", "--app", app, *options]
runpy.run_module("adf_trigger.functions_host", run_name="__main__", alter_sys=True)
"""
ROUTES = """
import json, sys
sys.path[:0] = sys.argv[1:]
from function_app import app
bindings = [each.get_trigger().get_dict_repr() for each in app.get_functions()]
print(json.dumps([[str(method.value if hasattr(method, "value") else method), binding["route"]]
    for binding in bindings if binding["type"] == "httpTrigger" for method in binding["methods"]]))
"""


class Package(NamedTuple):
    """Where the package is unpacked, the packages that it asks for, and those with what our host needs, too."""

    app: Path
    packages: Path
    with_host: Path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """What azd packs of this tree, unpacked elsewhere."""
    folder = tmp_path_factory.mktemp("package")
    zipped(ROOT, packed_by_azd(ROOT), folder / "app.zip")
    with zipfile.ZipFile(folder / "app.zip") as archive:
        archive.extractall(folder / "app")
    wanted = requirements_of(folder / "app" / "requirements.txt")
    return Package(
        folder / "app",
        link_packages(closure(wanted), folder / "packages"),
        link_packages(closure([*wanted, *OF_THE_HOST]), folder / "with_host"),
    )


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """Storage, a factory with the quickstarts, and identity; its own functions host is gone."""
    with LocalStack(warm=warm) as running:
        for _ in running.quickstart.provision():
            pass
        running.quickstart.upload()
        running.kill_functions()
        yield running


@pytest.fixture(scope="module")
def url(package: Package, stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package on our Functions host, in an interpreter that has nothing else installed."""
    folder = tmp_path_factory.mktemp("host")
    shutil.copytree(ROOT / "adf_trigger" / "functions_host", folder / "functions_host")
    process = Process(
        "package",
        [*ISOLATED, "-c", SERVE, str(package.app), str(package.with_host), str(folder), "--json"],
        log=folder / "log",
        answers=folder / "ready",
        env=child_environment({**stack.processes._app_settings, HOST_KEY: KEY}),
    )
    try:
        yield str(process.wait_until_ready(ready_line, timeout=60)["url"])
    finally:
        process.stop()


def isolated(code: str, *arguments: Path) -> str:
    """What a piece of Python says in an interpreter that has these folders alone."""
    done = subprocess.run(
        [*ISOLATED, "-c", code, *map(str, arguments)],
        env=FAULTLESS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_of_the_package_can_be_imported(package: Package) -> None:
    """No module asks for one that is not deployed, nor for a package that requirements.txt does not name."""
    imported = isolated(IMPORT_ALL, package.app, package.packages).split()
    assert "adf_trigger.functions.app" in imported
    assert "adf_trigger.service.timer.tick" in imported


def routes(package: Package, stack: LocalStack) -> list[tuple[str, str]]:
    """Method and route of every HTTP function of the package, as the app registers them."""
    done = subprocess.run(
        [*ISOLATED, "-c", ROUTES, str(package.app), str(package.packages)],
        env=child_environment(stack.processes._app_settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(method, route) for method, route in json.loads(done.stdout)]


def test_every_registered_route_is_served(url: str, package: Package, stack: LocalStack) -> None:
    """Each method and route reaches the app: no answer is the host's own, and none says that the app failed."""
    registered = routes(package, stack)
    assert ("POST", "pipelines/{pipeline}/runs") in registered
    assert "<title>" in requests.get(f"{url}/api/console", timeout=TIMEOUTS).text
    strays = []
    for method, route in registered:
        if method == "HEAD":
            continue  # it has no body that distinguishes the app's answer from the host's
        path = re.sub(r"\{\*?\w+[^}]*\}", "sample", route)
        answer = call(method, f"{url}/api/{path}", {})
        if answer.status_code == 500 or (answer.status_code in (401, 404) and not answer.content):
            strays.append((method, route, answer.status_code))
    assert strays == []


def test_the_package_starts_and_watches_a_run(url: str) -> None:
    """A run is started by HTTP, seen to its end by the timer's function, and health is good then."""
    parameters = {"strParamInputFileName": "emp2.txt", "strParamOutputFileName": "aloha.txt"}
    started = call(
        "POST", f"{url}/api/pipelines/Adfv2QuickStartParamPipeline/runs", {"parameters": parameters}
    )
    assert started.status_code == 202, started.text
    run = f"{url}/api/runs/{started.json()['requestId']}"
    deadline = time.monotonic() + PATIENCE
    while call("GET", run, None).json()["status"] != "Succeeded":
        assert time.monotonic() < deadline, call("GET", run, None).text
        call("POST", f"{url}/admin/functions/tick", {"input": ""}, MASTER_KEY).raise_for_status()
        time.sleep(0.5)
    while (health := call("GET", f"{url}/api/health", None)).status_code != 200:
        assert time.monotonic() < deadline, health.text
        time.sleep(0.5)


def call(method: str, url: str, body: Any, key: str = KEY) -> requests.Response:
    """Call the app, or its host, with a key."""
    return requests.request(method, url, json=body, headers={"x-functions-key": key}, timeout=TIMEOUTS)

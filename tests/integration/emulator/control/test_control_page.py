"""The page over the control API, and what it reads from it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.hosting.app import FactoryConfig
from adf_trigger.functions.console import POLICY

FOLDER = Path(__file__).parents[4] / "adf_trigger" / "console"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOME = "/_emulator/console/factory/"
SECRET = "s3cret-default"


@pytest.fixture
def shown(serve: Any, token_authority: Any) -> Any:
    """An emulator that was given the page."""
    started = serve(FactoryConfig(tokens=token_authority, console=FOLDER))
    started.path = started.create_factory()
    return started


def get(served: Any, path: str, **headers: str) -> httpx.Response:
    """GET, as a browser or a program does, without a token."""
    return httpx.get(f"{served.url}{path}", headers=headers, timeout=60)


def test_browsers_are_led_to_the_page_and_programs_are_not(shown: Any) -> None:
    """The Accept header decides; nothing else of the management API changes."""
    for path in ("/", "/_emulator/"):
        led = get(shown, path, **HTML)
        assert (led.status_code, led.headers["location"]) == (303, HOME)
    assert get(shown, "/", Accept="application/json").status_code == 404
    assert get(shown, "/").json()["error"]["code"]
    assert set(get(shown, "/_emulator/").json()) >= {"options", "faults", "progressions", "held"}
    assert get(shown, "/subscriptions?api-version=2022-12-01", **HTML).status_code == 401
    for path in ("/_emulator/console", "/_emulator/console/", "/_emulator/console/factory"):
        assert get(shown, path).headers["location"] == HOME


def test_the_page_is_served_under_the_same_policy_as_the_services(shown: Any) -> None:
    """Every file of its folder is served, nothing else, and to this machine alone."""
    page = get(shown, HOME)
    assert (page.status_code, page.content) == (200, (FOLDER / "factory" / "index.html").read_bytes())
    directives = (each.strip().partition(" ") for each in page.headers["content-security-policy"].split(";"))
    assert {name: value for name, _, value in directives} == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    for file in (*FOLDER.glob("*.js"), *FOLDER.glob("factory/*.js"), FOLDER / "style.css"):
        name = file.relative_to(FOLDER).as_posix()
        assert get(shown, f"/_emulator/console/{name}").content == file.read_bytes()
    for name in ("__init__.py", "nothing.js", "%2e%2e/emulator/app.py", "factory/../../../host.json"):
        assert get(shown, f"/_emulator/console/{name}").status_code in {404, 401}
    known = get(shown, HOME, **{"If-None-Match": page.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert get(shown, HOME, Host="evil.example").status_code == 403


def test_without_a_folder_there_is_no_page(served: Any) -> None:
    """Browsers get the same reply as programs."""
    assert get(served, "/_emulator/", **HTML).json()["options"]
    assert get(served, "/", **HTML).status_code == 404
    assert get(served, HOME).status_code in {401, 404}


def test_runs_are_paged_with_the_newest_first(shown: Any) -> None:
    """Runs are listed by pipeline, status and time, whoever started them; none is lost or repeated."""
    for name in ("p", "q"):
        shown.put(f"{shown.path}/pipelines/{name}", {"activities": []})
    made = []
    for name in ("p", "q", "p", "p", "q"):
        reply = shown.client.post(f"{shown.path}/pipelines/{name}/createRun")
        made.append(reply.raise_for_status().json()["runId"])
        shown.wait_for(shown.path, made[-1])
    found: list[str] = []
    continuation: str | None = None
    while True:
        more = f"&continuation={continuation}" if continuation else ""
        page = get(shown, f"/_emulator/runs/newest?limit=2{more}").json()
        assert len(page["runs"]) <= 2
        found += [run["runId"] for run in page["runs"]]
        continuation = page["continuation"]
        if continuation is None:
            break
    assert found == made[::-1]
    assert len(get(shown, "/_emulator/runs/newest?pipeline=Q").json()["runs"]) == 2
    assert get(shown, "/_emulator/runs/newest?status=Failed,Cancelled").json()["runs"] == []
    assert len(get(shown, "/_emulator/runs/newest?status=succeeded").json()["runs"]) == 5
    assert get(shown, "/_emulator/runs/newest?since=2100-01-01T00:00:00Z").json()["runs"] == []
    for wrong in ("limit=many", "continuation=x", "since=yesterday", "since=2026-11-26T00:00:00", "limit="):
        assert get(shown, f"/_emulator/runs/newest?{wrong}").status_code == 400


def test_a_run_is_shown_with_its_activities_and_no_secret(shown: Any) -> None:
    """A secure parameter's value is in neither, nor in the pipeline that declares it."""
    shown.put(
        f"{shown.path}/pipelines/p",
        {
            "parameters": {"password": {"type": "SecureString", "defaultValue": SECRET}},
            "activities": [{"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 0}}],
        },
    )
    run_id = shown.client.post(f"{shown.path}/pipelines/p/createRun", json={"password": "typed-in"}).json()[
        "runId"
    ]
    shown.wait_for(shown.path, run_id)
    run = get(shown, f"/_emulator/runs/{run_id}")
    assert (run.json()["status"], run.json()["factoryId"].lower()) == ("Succeeded", shown.path.lower())
    activities = get(shown, f"/_emulator/runs/{run_id}/activities")
    assert [each["activityName"] for each in activities.json()["value"]] == ["w"]
    pipelines = get(shown, "/_emulator/pipelines")
    assert [each["name"] for each in pipelines.json()["pipelines"]] == ["p"]
    for answer in (run, activities, pipelines, get(shown, "/_emulator/runs/newest")):
        assert "typed-in" not in answer.text
        assert SECRET not in answer.text
    assert get(shown, "/_emulator/runs/none").status_code == 404
    assert get(shown, "/_emulator/runs/none/activities").status_code == 404


def test_progressions_are_shown(shown: Any) -> None:
    """Those of one pipeline and of all others are shown, until runs are executed again."""
    shown.control("POST", "progression", json={"mode": "held", "pipeline": "P"})
    shown.control("POST", "progression", json={"mode": "after-seconds", "seconds": 2, "outcome": "Failed"})
    progressions = {each["pipeline"]: each for each in shown.control("GET", "")["progressions"]}
    assert progressions["p"]["mode"] == "held"
    assert (progressions[""]["mode"], progressions[""]["seconds"], progressions[""]["outcome"]) == (
        "afterSeconds",
        2.0,
        "Failed",
    )
    shown.control("DELETE", "progression")
    assert shown.control("GET", "")["progressions"] == []

"""The hooks that azd runs before and after a deployment."""

from collections.abc import Callable

import pytest
import yaml

from infra.hooks import deployed
from infra.hooks.deployed import Answer, main
from tests.unit.infra.bicep_files import INFRA, template

URL = "https://func-x.azurewebsites.net/api"
NOT_THERE = Answer(404, "")
STARTING = Answer(503, "Function host is not running.")
UNWELL = Answer(503, '{"status": "unavailable"}', ours=True)
WELL = Answer(200, '{"status": "ok"}', ours=True)
SILENT = Answer(0, "timed out")


class Deployment:
    """An app that gives these answers in turn, the last one repeatedly, and a clock that sleeping advances."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.time = 0.0

    def ask(self, url: str) -> Answer:
        self.asked.append(url)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def run(self, command: str, url: str = URL) -> int:
        return main([command, url], ask=self.ask, sleep=self.sleep, now=lambda: self.time)


@pytest.mark.parametrize("url", [URL, f"{URL}/"])
def test_the_health_of_the_deployed_app_is_checked(url: str) -> None:
    """The address is the deployment's output."""
    app = Deployment(WELL)
    assert app.run("check", url) == 0
    assert set(app.asked) == {f"{URL}/health"}


@pytest.mark.parametrize("command", ["wait", "check"])
def test_without_an_address_the_hook_fails(command: str) -> None:
    """A missing output is reported without waiting."""
    app = Deployment(SILENT)
    with pytest.raises(SystemExit, match="2"):
        app.run(command, "")
    assert app.time == 0


@pytest.mark.parametrize("answer", [NOT_THERE, STARTING, SILENT])
def test_a_first_deployment_waits_for_its_roles(answer: Answer) -> None:
    """Where no app of ours answers yet, roles get a minute to take effect."""
    app = Deployment(answer)
    assert app.run("wait") == 0
    assert app.time == deployed.SPREAD_SECONDS


@pytest.mark.parametrize("answer", [WELL, UNWELL])
def test_a_later_deployment_does_not_wait(answer: Answer) -> None:
    """The roles of an app that answers took effect long ago."""
    app = Deployment(answer)
    assert app.run("wait") == 0
    assert app.time == 0


def test_an_app_that_becomes_healthy_in_time_succeeds() -> None:
    """The host starts, the app is loaded, its roles take effect: each takes a while."""
    app = Deployment(SILENT, NOT_THERE, STARTING, UNWELL, WELL)
    assert app.run("check") == 0
    assert app.answers == [WELL]


def test_one_healthy_reply_is_not_enough() -> None:
    """It may be the last one of the previous app."""
    app = Deployment(WELL, WELL, NOT_THERE)
    assert app.run("check") == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NOT_THERE, "https://github.com/Azure/azure-dev/issues/8538"),
        (UNWELL, "Roles may need some more minutes: `azd hooks run postdeploy` checks again."),
        (STARTING, "The app did not answer within 300 s."),
        (SILENT, "The app did not answer within 300 s."),
    ],
)
def test_an_app_that_stays_unhealthy_is_reported_with_the_likely_reason(
    answer: Answer, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a bounded time the deployment fails, and the error has the last reply and what to do."""
    app = Deployment(answer)
    assert app.run("check") == 1
    assert app.time == (deployed.UNWELL_SECONDS if answer.ours else deployed.CHECK_SECONDS)
    said = capsys.readouterr().out
    assert reason in said
    assert said.count(f"{URL}/health: ") == 1


def test_packages_are_built_here_for_the_apps_python(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The version is the template's, for pip's own Python, too: pip evaluates the markers of requirements with it."""
    Deployment(NOT_THERE).run("check")
    app = template("modules/function_app.bicep").resource("app")
    version = app["properties"]["functionAppConfig"]["runtime"]["version"]
    advice = capsys.readouterr().out
    assert f"python{version} -m pip install " in advice
    assert f"--python-version {version} " in advice


@pytest.mark.parametrize(("hook", "command"), [("predeploy", "wait"), ("postdeploy", "check")])
@pytest.mark.parametrize(
    ("system", "python", "variable"),
    [("posix", "python3", '"$SERVICE_API_URI"'), ("windows", "python", "$env:SERVICE_API_URI")],
)
def test_azd_runs_the_hooks_with_an_output_of_the_template(
    hook: str, command: str, system: str, python: str, variable: str
) -> None:
    """Before and after each deployment, on every system."""
    document = yaml.safe_load((INFRA.parent / "azure.yaml").read_text())
    assert document["hooks"][hook][system]["run"] == f"{python} infra/hooks/deployed.py {command} {variable}"
    assert "SERVICE_API_URI" in template("main.bicep").part("outputs")


def test_other_replies_are_not_read_as_health() -> None:
    """A page of the platform, or other JSON, is not the app's health."""
    read: Callable[[int, bytes], Answer] = deployed._answer
    assert read(200, b"<html>Your Functions 4.0 app is up and running</html>").ours is False
    assert read(200, b'["ok"]').ours is False
    assert read(200, b'{"status": "ok"}').ours is True
    assert read(404, b"") == NOT_THERE

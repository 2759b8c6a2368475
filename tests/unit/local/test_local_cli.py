"""The command line reports its faults before it starts anything."""

import io
import tempfile
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name

import pytest

from adf_trigger.emulator.commands.messages import say
from adf_trigger.local.cli import EXPECTED, IMPORT_FAILED, main
from adf_trigger.local.crash import unexpected
from adf_trigger.local.up import ProcessDied, failure
from adf_trigger.local.up_options import suspect_settings


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "COMMAND"),
        (["upp"], "invalid choice: 'upp'"),
        (["up", "--functions-port", "x"], "--functions-port: 'x' is not a port"),
        (["up", "--queue-port", "65536"], "--queue-port: '65536' is not a port"),
        (["up", "--blob-port", "-1"], "--blob-port: '-1' is not a port"),
        (["up", "--set", "NAME"], "--set: 'NAME' is not NAME=VALUE"),
        (["up", "--set", "=value"], "--set: '=value' is not NAME=VALUE"),
        (["up", "--secrets", "/nowhere"], "--secrets: /nowhere cannot be read: No such file"),
        (["factory", "--secrets", "/nowhere"], "--secrets: /nowhere cannot be read: No such file"),
        (["factory", "--port", "70000"], "--port/--management-port: '70000' is not a port"),
        (["factory", "--identity-port", "x"], "--identity-port: 'x' is not a port"),
        (["up", "--allow-host", "https://api.example.org"], "is not the name of a host"),
        (["up", "--linked-service", "A=B"], "B cannot be read as JSON"),
        (["up", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_wrong_option_is_an_error(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits with code 2 and names the fault."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"vault": {"name": 5}}', "vault.name Input should be a valid string"),
        ('{"vault": "s3cret"}', "vault Input should be an object"),
        ('{"vault": {"name": "s3cret"', "Invalid JSON"),
        ('["s3cret"]', "Input should be an object"),
        ('{"": {"name": "s3cret"}}', "at least 1 character"),
    ],
)
def test_a_wrong_file_of_secrets_is_reported_without_its_contents(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The place of each fault is named, and no value is shown."""
    file = tmp_path / "secrets.json"
    file.write_text(content)
    with pytest.raises(SystemExit):
        main(["factory", "--secrets", str(file)])
    said = capsys.readouterr().err
    assert reason in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["import", "nowhere", "--data", "DATA"], "nowhere does not exist"),
        (["up", "nowhere", "--data", "DATA"], "nowhere does not exist"),
        (["up", "--app", "nowhere"], "nowhere holds no function app: the folder does not exist"),
        (["up", "--data", "FILE"], "cannot be used as the data folder"),
        (["env", "--data", "DATA"], "no stack runs on"),
    ],
)
def test_a_missing_folder_is_an_error(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits with code 1, before anything is started."""
    (tmp_path / "FILE").touch()
    paths = [str(tmp_path / word) if word in {"DATA", "FILE"} else word for word in arguments]
    assert main(paths) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("ADF_TRIGGER_TABEL", "the nearest known name is ADF_TRIGGER_TABLE"),
        ("ADFTRIGGER_TABLE", "the nearest name of a setting is ADF_TRIGGER_TABLE"),
        ("ADF_TRIGER_TABLE", "the nearest name of a setting is ADF_TRIGGER_TABLE"),
        ("adf-trigger-table", "the nearest name of a setting is ADF_TRIGGER_TABLE"),
        ("ADF_TENANT", None),
        ("TABLE", "the app reads ADF_TRIGGER_TABLE"),
        ("ADF_TRIGGER_TABLE", None),
        ("MY_OWN", None),
        ("AzureWebJobsStorage", None),
        ("FUNCTIONS_HOST_KEY", None),
    ],
)
def test_an_unread_setting_is_reported(name: str, reported: str | None) -> None:
    """A name with our prefix that is none of ours, or one of ours without it; an app's own names are its own."""
    lines = suspect_settings({name: "x"})
    assert (reported is None) == (lines == [])
    assert reported is None or reported in lines[0]


class _TerminalText(io.StringIO):
    """The output on a terminal."""

    def isatty(self) -> bool:
        """Always True."""
        return True


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--linked-service", "orders-of-the-last-week=a-file-that-is-nowhere-on-this-machine.json"],
        ["up", "--set", "ADF_TRIGGER_TABEL=x", "--app", "nowhere"],
        ["import", "a-folder-with-a-long-name/that-is-nowhere-here", "--data", "DATA"],
        ["env", "--data", "DATA"],
    ],
)
def test_errors_are_wrapped_at_words(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal gets no line that it would break within a word; a line of one word may be longer."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", terminal := _TerminalText())
    with suppress(SystemExit):
        main([str(tmp_path) if word == "DATA" else word for word in arguments])
    lines = terminal.getvalue().splitlines()
    assert lines
    assert [line for line in lines if len(line) > 80 and " " in line.strip()] == []


def test_a_piped_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it there."""
    say("word " * 40)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unexpected_error_is_a_sentence_and_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is not shown, but logged."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sentence = unexpected(ZeroDivisionError("division by zero"))
    (log,) = tmp_path.glob("adf-trigger-error-*.log")
    assert "ZeroDivisionError: division by zero" in sentence
    assert str(log) in sentence
    assert "ZeroDivisionError" in log.read_text("utf-8")


@pytest.mark.parametrize("name", sorted({*EXPECTED, IMPORT_FAILED}))
def test_an_expected_error_is_one_that_exists(name: str) -> None:
    """Errors are recognised by their full names, which a renamed class would have no longer."""
    found = resolve_name(name)
    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name


class _Stack:
    """A stack of which a process has died, or none."""

    logs = Path("logs")

    def __init__(self, name: str | None) -> None:
        self._name = name

    def dead(self) -> str | None:
        """Its name."""
        return self._name

    def exit_report(self, name: str) -> str:
        """How it ended."""
        return f"{name} ended with exit code -9"


def test_a_part_that_does_not_answer_is_reported_in_a_sentence() -> None:
    """The sentence has the process that died, if one has; otherwise the error, and the path of the logs."""
    died = failure(_Stack("azurite"), ValueError("no answer"))
    assert isinstance(died, ProcessDied)
    assert str(died) == "azurite ended with exit code -9"
    assert str(failure(_Stack(None), ValueError("no answer"))).endswith("no answer\nThe logs are kept: logs")

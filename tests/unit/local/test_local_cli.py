"""The command line says what is wrong with it before it starts anything."""

from pathlib import Path

import pytest

from adf_trigger.local.cli import main


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
        (["up", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_wrong_option_is_told(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake on the command line ends with code 2 and names what is wrong."""
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
def test_a_wrong_file_of_secrets_is_told_without_what_is_in_it(
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

"""The command line says what is wrong with it before it starts anything."""

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

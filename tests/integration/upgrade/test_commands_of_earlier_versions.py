"""The commands of the previous version, by their former names."""

import runpy
import sys

import pytest

HOST = (
    "--app --address --port --host-id --json --time-scale --drain-seconds --no-shuffle --message-lease "
    "--message-renewal-floor --polling-floor --polling-cap --lock-period --lock-recovery"
)
EMULATOR = "--data --management-port --management-tls-port --identity-port --authority-port --secrets"
UP = (
    "--app --data --functions-port --management-port --management-tls-port --identity-port --authority-port "
    "--blob-port --queue-port --table-port --host-option --poll-schedule --restart --secrets --set --json"
)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # other tests have imported them
@pytest.mark.parametrize(
    ("command", "words", "now"),
    [
        ("adf_trigger.replay", "list show replay discard", ""),
        ("adf_trigger.local", "up setup factory import demo", ""),
        ("adf_trigger.local up", UP, ""),
        ("adf_trigger.local factory", "--data --json --port --tls-port --secrets --strict", ""),
        ("adf_trigger.local import", "--data --factory --linked-service --parameter", ""),
        ("adf_trigger.local.host", HOST, "python -m adf_trigger.functions_host"),
        ("adf_trigger.local.emulator", EMULATOR, "python -m adf_trigger.emulator"),
    ],
    ids=lambda value: value if value.startswith("adf") else "",
)
def test_an_old_command_accepts_its_old_options(
    command: str, words: str, now: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command and option of the previous version is in the help; a former name prints the new one."""
    module, *arguments = command.split()
    monkeypatch.setattr(sys, "argv", ["", *arguments, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)  # as `python -m` does
    assert not ended.value.code
    helped = capsys.readouterr()
    assert [word for word in words.split() if word not in helped.out] == []
    assert now in helped.err

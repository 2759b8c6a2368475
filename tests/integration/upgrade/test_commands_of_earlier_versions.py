"""The commands of the previous version, by their former names."""

import subprocess
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


def run(command: str) -> "subprocess.CompletedProcess[str]":
    """`python -m` with a command."""
    return subprocess.run(
        [sys.executable, "-m", *command.split()], capture_output=True, text=True, timeout=60, check=False
    )


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
def test_an_old_command_accepts_its_old_options(command: str, words: str, now: str) -> None:
    """Every command and option of the previous version is in the help; a former name prints the new one."""
    helped = run(f"{command} --help")
    assert helped.returncode == 0
    assert [word for word in words.split() if word not in helped.stdout] == []
    assert now in helped.stderr

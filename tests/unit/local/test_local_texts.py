"""The output of the local commands fits a terminal of 80 columns without breaking words."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adf_trigger.local.screen.screen import Screen
from adf_trigger.local.screen.texts import (
    WIDTH,
    env_line,
    example,
    ready,
    run_line,
    shortened,
    step,
    wrapped,
)
from adf_trigger.local.terminal import Terminal


def on(width: int) -> Console:
    """A console that keeps its output."""
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False)


def printed(console: Console) -> list[str]:
    """The lines of its output."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def whole(text: str) -> str:
    """A text with a shell's continued lines joined."""
    return re.sub(r" [\\`]\n +", " ", text)


def test_a_step_is_a_line() -> None:
    """The part, its address, and how long it took, at the right edge."""
    line = step("Azurite", "blob 10000, queue 10001, table 10002", 1.23)
    assert line.startswith("✓ Azurite        blob 10000")
    assert line.endswith(" 1.2 s")
    assert len(line) == WIDTH
    assert step("Azurite", "x" * 80, 1.0).endswith("x 1.0 s")


def test_the_next_steps_are_two_lines_to_paste_and_the_addresses() -> None:
    """The first line exports the stack's environment, the second starts a run."""
    lines = list(ready(run=["run", "Load", "--wait"], data=Path("data"), kept=True, windows=False))
    assert lines[3].startswith('  eval "$(')
    assert lines[3].endswith(' env)"')
    assert lines[4] == "  adf-trigger run Load --wait"
    assert "Data  data" in lines
    assert f"Logs  {Path('data') / 'logs'}" in lines
    assert any("kept" in line for line in lines)
    assert max(len(line) for line in lines if "env" not in line) <= WIDTH


def test_with_several_stacks_the_line_names_one() -> None:
    """Otherwise the command would ask which one is meant."""
    lines = list(ready(run=[], data=Path("my data"), kept=False, alone=False, windows=False))
    assert " env --data 'my data')\"" in whole("\n".join(lines))
    assert any("--data DIR keeps it" in line for line in lines)


@pytest.mark.parametrize("windows", [False, True])
def test_a_long_line_is_split_for_the_shell(*, windows: bool) -> None:
    """Each part ends with the shell's continuation, so that together they are one line."""
    data = Path("/a folder", "long" * 13)
    mark = " `\n" if windows else " \\\n"
    text = env_line(data, windows=windows, indent=2)
    first, *rest = text.split(mark)
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert max(map(len, rest)) <= WIDTH
    assert f" env --data '{data}'" in whole(text)
    assert first.startswith("  & " if windows else '  eval "$(')


def test_powershell_gets_its_own_line() -> None:
    """There is no eval there."""
    assert whole(env_line(Path("a b"), windows=True)).endswith(
        " env --data 'a b' --format powershell | Out-String | iex"
    )


@pytest.mark.parametrize(
    ("pipelines", "arguments"),
    [
        ({}, []),
        ({"b": {}, "a": {"parameters": {"day": {"type": "string"}}}}, ["run", "b", "--wait"]),
        (
            {"a": {"parameters": {"day": {"type": "string"}, "n": {"type": "int", "defaultValue": 1}}}},
            ["run", "a", "-p", "day=VALUE", "--wait"],
        ),
        ({"Load all": {}}, ["run", "'Load all'", "--wait"]),
    ],
)
def test_the_example_is_an_existing_pipeline(pipelines: dict[str, Any], arguments: list[str]) -> None:
    """It has no required parameters, or else a placeholder for each."""
    assert example(pipelines) == arguments


def test_the_example_is_no_failing_pipeline_where_another_exists() -> None:
    """Pipelines just reported as unsupported, or that call a forbidden machine, come last."""
    needing: dict[str, Any] = {"parameters": {"day": {"type": "string"}}}
    assert example({"a": {}, "b": {}, "c": needing}, failing={"a"}) == ["run", "b", "--wait"]
    assert example({"a": {}, "c": needing}, failing={"a"}) == ["run", "c", "-p", "day=VALUE", "--wait"]
    assert example({"a": {}}, failing={"a"}) == ["run", "a", "--wait"]


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (
            {"pipeline": "Load", "status": "Succeeded", "durationMs": 5120, "requestId": "orders"},
            "12:00:00  Load  Succeeded  5.1 s  orders",
        ),
        (
            {"pipeline": "Load", "status": "Failed", "durationMs": 0, "reason": "Copy: No\nblob", "requestId": "k"},
            "12:00:00  Load  Failed  0.0 s  Copy: No blob",
        ),
        ({"pipeline": "", "status": "Rejected", "reason": "no pipeline"}, "12:00:00  -  Rejected  no pipeline"),
        ({"status": "Unknown"}, "12:00:00  -  Unknown"),
    ],
)  # fmt: skip
def test_a_run_is_a_line(run: dict[str, Any], line: str) -> None:
    """When it ended, its status, its duration, and the error or the key."""
    assert "".join(run_line("12:00:00", run)) == line


def test_a_run_with_long_names_is_still_a_line() -> None:
    """It is truncated with an ellipsis."""
    run = {"pipeline": "p" * 260, "status": "Failed", "durationMs": 123_456, "reason": "r" * 300}
    line = "".join(run_line("12:00:00", run))
    assert len(line) == WIDTH
    assert line.count("…") == 2


def test_words_are_not_broken() -> None:
    """A word that is longer than a line stands alone."""
    word = "w" * 100
    assert wrapped(f"some words and {word} and more", indent=2) == [
        "  some words and",
        f"      {word}",
        "      and more",
    ]
    assert shortened("a b\nc", 5) == "a b c"


def test_a_terminal_gets_steps_and_runs() -> None:
    """Piped output is plain, with each step in a line of its own."""
    console = on(WIDTH)
    with (terminal := Terminal(console)):
        terminal.starting("Azurite")
        terminal.started("Azurite", "blob 1")
        terminal.note("port 7071 is taken by " + "a long name " * 6 + ": using a free one")
        terminal.shown("Logs  /a folder/" + "x" * 80)
        terminal.ended({"pipeline": "Load", "status": "Failed", "durationMs": 1, "reason": "[red]x[/red]"})
    lines = printed(console)
    assert lines[0].startswith("✓ Azurite        blob 1 ")
    assert lines[1].startswith("port 7071")
    assert lines[-1].endswith("Load  Failed  0.0 s  [red]x[/red]")
    assert lines[-2] == "Logs  /a folder/" + "x" * 80
    assert max(len(line) for line in lines if "folder" not in line) <= WIDTH


def test_the_demos_tables_do_not_break_words() -> None:
    """Ids, names and codes are neither broken nor left out."""
    console = on(WIDTH)
    screen = Screen(console)
    run = {
        "requestId": "demo-no-such-blob",
        "pipeline": "Adfv2QuickStartParamPipeline",
        "status": "Failed",
        "durationMs": 12,
        "errors": [
            {"activityName": "CopyFromBlobToBlob", "errorCode": "2200", "message": "ErrorCode=UserErrorX,'"}
        ],
    }
    screen.events([{"data": run, "id": "50974cdf-eb29-4e22-ba3d-e34476bf9463/Failed"}])
    activity = {
        "name": "CopyFromBlobToBlob",
        "type": "Copy",
        "status": "Succeeded",
        "output": {"dataRead": 44, "dataWritten": 44},
        "durationMs": 100,
    }
    screen.activities([activity])
    screen.exchange("POST …/Adfv2QuickStartParamPipeline/runs with a missing blob", "202 ok", good=True)
    screen.verdict(12)
    lines = printed(console)
    text = "\n".join(lines)
    assert max(len(line.rstrip()) for line in lines if "eval" not in line) <= WIDTH
    for word in (
        *run.values(),
        "50974cdf-eb29-4e22-ba3d-e34476bf9463/Failed",
        "CopyFromBlobToBlob: UserErrorX",
    ):
        assert not isinstance(word, str) or word in text
    assert "adf-trigger run Adfv2QuickStartPipeline --wait" in text

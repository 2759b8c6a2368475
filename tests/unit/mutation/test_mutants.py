"""What `make mutation` runs, and the judged mutants that no test can notice."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mutation.__main__ import DECIDING
from tests.mutation.judged import Change, as_entry, function_of, judged
from tests.mutation.reach import MOST_LEFT_OUT, NOTES, noted, taken_up

REPOSITORY = Path(__file__).parents[3]


def test_every_deciding_module_exists() -> None:
    """A renamed or split module is not left out silently."""
    for module in DECIDING:
        assert (REPOSITORY / "adf_trigger" / "service" / f"{module.replace('.', '/')}.py").is_file(), module


def test_judged_mutants_are_in_the_code() -> None:
    """Each module of a judgement exists, and each judgement has its reason."""
    for change, reason in judged().items():
        *module, _ = change.function.split(".")
        around = [REPOSITORY.joinpath("adf_trigger", *module[:end]) for end in range(1, len(module) + 1)]
        assert [each for each in around if each.with_suffix(".py").is_file()], change
        assert len(reason.split()) > 3, change


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        (
            "adf_trigger.service.starting.send.xǁSenderǁ_next_try__mutmut_4",
            "service.starting.send.Sender._next_try",
        ),
        ("adf_trigger.service.starting.send.x_back_off__mutmut_12", "service.starting.send.back_off"),
        ("adf_trigger.service.starting.send.x__secrets__mutmut_1", "service.starting.send._secrets"),
        (
            "adf_trigger.service.calls.budget.xǁ_Callsǁ__init____mutmut_2",
            "service.calls.budget._Calls.__init__",
        ),
    ],
)
def test_a_mutant_is_named_by_its_function(mutant: str, function: str) -> None:
    """Its number is left out: the next change of the file would renumber it."""
    assert function_of(mutant) == function


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("a = 1", "a = 2"),
        ("name = 'x'", 'name = "X"'),
        ("a,\n)", ")"),
        ('say("it\'s")', "say('')"),
        ("", "\\d'"),
    ],
)
def test_a_printed_entry_can_be_read_once_it_has_a_reason(tmp_path: Path, line: str, becomes: str) -> None:
    """Whatever text its line holds."""
    change = Change("service.starting.send.back_off", line, becomes)
    file = tmp_path / "equivalent.toml"
    file.write_text(as_entry(change), "utf-8")
    with pytest.raises(ValueError, match="judged twice, or without a reason"):
        judged(file)
    entry = as_entry(change).replace('because = ""', 'because = "nothing can tell"')
    file.write_text(entry, "utf-8")
    assert judged(file) == {change: "nothing can tell"}
    file.write_text(f"{entry}\n{entry}", "utf-8")
    with pytest.raises(ValueError, match="judged twice, or without a reason"):
        judged(file)


def test_an_interrupted_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results need not be recorded again, and a file of a fork is used by no later run."""
    monkeypatch.chdir(tmp_path)
    parts = [Path("reach.0"), Path("reach.1")]
    for number, part in enumerate(parts):
        part.write_text(json.dumps({f"test_{number}": ["new", 1.0, ["f"]]}), "utf-8")
    found = taken_up(parts, {"test_0": ("old", 9.0, []), "test_2": ("old", 2.0, ["g"])})
    assert {test: note[0] for test, note in found.items()} == {
        "test_0": "new",
        "test_1": "new",
        "test_2": "old",
    }
    assert [each.name for each in tmp_path.iterdir()] == ["reach.json"]
    assert json.loads(NOTES.read_text("utf-8")) == {test: list(note) for test, note in found.items()}


def test_a_test_that_fails_without_mutants_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It detects no mutant; a few of them end no run, many do."""
    monkeypatch.setenv("MUTANT_UNDER_TEST", "")  # recording sets it
    session = SimpleNamespace(testsfailed=0)

    def protocol(item: SimpleNamespace, nextitem: object) -> None:  # noqa: ARG001 - named as pytest's hook
        session.testsfailed += item.nodeid.startswith("bad")

    hook = SimpleNamespace(pytest_runtest_protocol=protocol)

    def tests(*names: str) -> list[Any]:
        config = SimpleNamespace(hook=hook)
        return [
            SimpleNamespace(nodeid=name, path=Path(__file__), session=session, config=config)
            for name in names
        ]

    assert noted(tests("good", "bad", "fine"), tmp_path / "notes") == 0
    assert json.loads((tmp_path / "notes").read_text("utf-8")).keys() == {"good", "fine"}
    assert "left out: bad" in capsys.readouterr().err
    assert noted(tests(*(f"bad{number}" for number in range(MOST_LEFT_OUT + 1))), tmp_path / "none") == 1

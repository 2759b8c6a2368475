"""Reports of the benches: the table, the file, the exit code."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from adf_trigger.datafactory.models import PipelineRun
from tests.bench import concurrent_runs, expressions, report, soak
from tests.bench.__main__ import main
from tests.bench.catalogue import BENCHES, Listed
from tests.bench.figures import BenchFailed, Figure, percentile
from tests.support.world import settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = {"cores": 2, "python": "3.11.7", "system": "Linux x86_64", "loadAverage": 0.5}


def bench(*figures: Figure, short: Sequence[Figure] = (), alone: bool = False) -> Listed:
    """A bench that has already measured."""
    return Listed(measure=lambda _: figures, short=lambda _: short, alone=alone)


def _fail(_: int) -> Sequence[Figure]:
    raise BenchFailed("nothing answered")


failing = Listed(measure=_fail, short=_fail)
"""A bench whose subject did not do its work."""


def figure(*values: float, at_least: float | None = None, below: float | None = None) -> Figure:
    """A figure of those values."""
    return Figure(name="answers", unit="per second", values=values, at_least=at_least, below=below)


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        (figure(1, 300, 900, at_least=300), True),
        (figure(1, 299, 900, at_least=300), False),
        (figure(1, 299, 900, below=300), True),
        (figure(1, 300, 900, below=300), False),
        (figure(7), None),
    ],
)
def test_the_median_is_compared_with_the_limit(measured: Figure, *, met: bool | None) -> None:
    """One good or bad repeat does not decide; without a limit, none is met or missed."""
    assert measured.met is met


@pytest.mark.parametrize(
    ("figures", "code"), [((figure(1),), 0), ((figure(1, at_least=2),), 1), ((figure(1, below=2),), 0)]
)
def test_a_missed_figure_is_exit_code_1(figures: Sequence[Figure], code: int, tmp_path: Path) -> None:
    """A person can use the command as a gate."""
    assert main(["--json", str(tmp_path / "x.json")], {"toy": bench(*figures)}) == code


def test_a_bench_that_fails_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is shown, the others are measured and written, and the exit code is 1."""
    file = tmp_path / "folder" / "x.json"
    assert main(["--json", str(file)], {"bad": failing, "good": bench(figure(5))}) == 1
    output = capsys.readouterr()
    assert "bad failed: nothing answered" in output.err
    assert "good" in output.out
    assert [entry["bench"] for entry in json.loads(file.read_text())["figures"]] == ["good"]


def test_only_the_named_benches_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--only takes several names; an unknown one is rejected with the known ones."""
    toys = {name: bench(figure(1)) for name in ("a", "b", "c")}
    assert main(["--only", "c", "a", "--json", str(tmp_path / "x.json")], toys) == 0
    written = json.loads((tmp_path / "x.json").read_text())
    assert [entry["bench"] for entry in written["figures"]] == ["c", "a"]
    with pytest.raises(SystemExit):
        main(["--only", "d"], toys)
    refused = capsys.readouterr().err.replace("'", "")  # from 3.12.8 on argparse quotes them no more
    assert "a, b, c" in refused


def test_a_long_bench_is_measured_only_by_name(tmp_path: Path) -> None:
    """A soak is not part of a run without names."""
    file = tmp_path / "x.json"
    toys = {"toy": bench(figure(1)), "soak": bench(figure(2), alone=True)}
    for given, measured in (([], ["toy"]), (["--only", "soak"], ["soak"])):
        assert main([*given, "--json", str(file)], toys) == 0
        assert [entry["bench"] for entry in json.loads(file.read_text())["figures"]] == measured


def test_a_short_form_has_no_limits(tmp_path: Path) -> None:
    """It shows that a bench works, and exits with 1 where it does not."""
    toy = bench(short=[figure(1, at_least=2)])
    arguments = ["--short", "--json", str(tmp_path / "x.json")]
    assert main(arguments, {"toy": toy}) == 0
    assert main(arguments, {"toy": failing}) == 1


def test_the_duration_of_each_bench_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown before measuring; all benches run by default take a quarter of an hour or less."""
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name} " in listed for name in BENCHES)
    assert sum(each.minutes for each in BENCHES.values() if not each.alone) <= 17


@pytest.mark.parametrize(
    ("samples", "met"),
    [
        ([100.0] * 30, True),
        ([*range(60, 80), *[80.0] * 40], True),
        ([100 + 0.2 * number for number in range(60)], False),
        ([30.0] * 40 + [33.5] * 20, False),
        ([1.0], True),
    ],
)
def test_a_soak_is_flat_where_its_last_thirds_are_alike(samples: list[float], *, met: bool) -> None:
    """Growth at first is warming up; continued growth is a leak."""
    assert (soak.growth(samples) < soak.MOST_MORE["memory"]) is met


def test_a_soak_is_judged_once_the_window_covers_only_the_soak() -> None:
    """Until then each tick reads more than the one before, and its memory grows."""
    assert settings().poll_overlap < 60 * soak.FILLING_MINUTES


def test_the_file_has_every_value_and_the_machine(tmp_path: Path) -> None:
    """Later comparisons can be computed again from the file."""
    file = tmp_path / "x.json"
    report.save(file, {"toy": [figure(3, 1, 2, at_least=2)]}, FACTS, NOW)
    assert json.loads(file.read_text()) == {
        "at": "2026-01-01T00:00:00+00:00",
        "machine": FACTS,
        "figures": [
            {
                "bench": "toy",
                "figure": "answers",
                "unit": "per second",
                "median": 2,
                "min": 1,
                "max": 3,
                "values": [3, 1, 2],
                "atLeast": 2,
                "below": None,
                "met": True,
            }
        ],
    }


def test_the_table_is_plain_text_where_it_is_piped() -> None:
    """A row has median, least, most, the limit and whether it is met, without escape sequences."""
    piped = StringIO()
    results = {"toy": [figure(1200.4, 8, 20_000, at_least=1000), figure(0.25, below=0.1)]}
    report.show(results, FACTS, Console(file=piped, width=150))
    rows = [line.split() for line in piped.getvalue().splitlines()]
    assert rows[1] == ["toy", "answers", "1,200", "8", "20,000", "3", "per", "second", "≥", "1,000", "yes"]
    assert rows[2] == ["answers", "0.25", "0.25", "0.25", "1", "per", "second", "<", "0.10", "NO"]
    assert "\x1b" not in piped.getvalue()


def test_a_percentile_lies_between_the_values() -> None:
    """The 95th of 1 to 101 is 96, the 50th is the median, and one value is all of its percentiles."""
    values = [float(value) for value in range(101, 0, -1)]
    assert (percentile(values, 95), percentile(values, 50), percentile([7.0], 95)) == (96, 51, 7)


def test_runs_count_as_concurrent_only_while_they_overlap() -> None:
    """A run that begins when another ends was never concurrent with it."""
    runs = [
        PipelineRun(
            run_id=uuid4(),
            run_start=NOW + timedelta(seconds=begin),
            run_end=NOW + timedelta(seconds=end),
            status="Succeeded",
        )
        for begin, end in ((0, 10), (1, 3), (3, 5), (9, 11))
    ]
    assert concurrent_runs.most_at_once(runs) == 2


def test_expressions_are_measured_as_often_as_asked() -> None:
    """The smallest bench runs, and its figure has a value for each repeat."""
    (measured,) = expressions.measure(3, evaluations=10)
    assert len(measured.values) == 3
    assert min(measured.values) > 0


def test_every_bench_is_named_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The benches are listed without reading the code."""
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = "".join(capsys.readouterr().out.split())  # a name may be split at its hyphen at the end of a line
    assert all(name in shown for name in BENCHES)

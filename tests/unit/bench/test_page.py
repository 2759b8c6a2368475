"""The last measurement as a page of the documentation."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import kept, page
from tests.bench.figures import Figure
from tests.bench.kept import Kept

FACTS = {"cores": 2, "python": "3.11.7", "system": "Linux x86_64", "loadAverage": 0.5}


def figure(name: str, value: float, unit: str = "s", below: float | None = None) -> Figure:
    """A figure of one value."""
    return Figure(name=name, unit=unit, values=[value], below=below)


def of(results: Mapping[str, Sequence[Figure]], load: float = 0.5) -> dict[str, Kept]:
    """The same figures, as stored."""
    return {
        name: Kept(
            figures=figures,
            at=datetime(2026, 1, 1, tzinfo=UTC),
            commit="abc1234",
            seconds=12.3,
            machine={**FACTS, "loadAverage": load},
        )
        for name, figures in results.items()
    }


def test_the_page_has_every_figure_its_commit_and_the_growth_curves(tmp_path: Path) -> None:
    """Missed limits are marked as clearly as met ones; the way of comparable services is drawn beside ours."""
    results = {
        "watching": [
            figure("100 active, nothing changed: a tick", 0.1),
            figure("  calls of Data Factory", 3, "calls", below=4),
            figure("10,000 active, nothing changed: a tick", 2, below=1),
            figure("10,000 active, 100 ended: until all are published", 8),
        ],
        "peers": [figure("the SDK's pipeline_runs.get", 5, "ms")],
    }
    page.write(of(results), tmp_path / "docs" / "bench.md")
    text = (tmp_path / "docs" / "bench.md").read_text()
    for each in (*results["watching"], *results["peers"]):
        assert f"| {each.name.strip()} |" in text
    assert "| < 1 | **no** |" in text
    assert "| < 4 | yes |" in text
    assert "2026-01-01" in text
    assert "![tick seconds](tick-seconds.svg)" in text
    chart = (tmp_path / "docs" / "tick-seconds.svg").read_text()
    assert "one GET a run, official SDK" in chart


def test_a_busy_machine_is_mentioned(tmp_path: Path) -> None:
    """A measurement beside other work is marked."""
    for load, mentioned in ((0.5, False), (18.4, True)):
        page.write(of({"toy": [figure("x", 1)]}, load), tmp_path / "bench.md")
        assert ("busy with other work" in (tmp_path / "bench.md").read_text()) is mentioned


def test_a_bench_that_was_not_run_is_not_drawn(tmp_path: Path) -> None:
    """A page of one bench has a table alone."""
    page.write(of({"toy": [figure("x", 1)]}), tmp_path / "bench.md")
    assert "svg" not in (tmp_path / "bench.md").read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["bench.md"]


def test_benches_measured_one_by_one_are_collected(tmp_path: Path) -> None:
    """A new measurement replaces that bench's last one, in the page and in the README, and no other."""
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    order = ["first", "second"]
    page.keep(of({"second": [figure("b", 2, below=1)], "gone": [figure("g", 1)]}), order, tmp_path)
    page.keep(of({"first": [figure("a", 3, below=4), figure("  a's", 7, below=9)]}), order, tmp_path)
    page.keep(of({"first": [figure("a", 1, below=4), figure("  a's", 8, below=9)]}), order, tmp_path)
    assert list(kept.read(tmp_path / "docs" / "bench.json")) == order
    text = (tmp_path / "docs" / "bench.md").read_text()
    assert next(line for line in text.splitlines() if line.startswith("| second")).startswith(
        "| second | b | 2 |"
    )
    said = readme.read_text()
    assert said.startswith("before\n<!-- bench -->\n")
    assert said.endswith("<!-- /bench -->\nafter\n")
    for row in (
        "| a | 1 | s | < 4 | yes |",
        "| a: a's | 8 | s | < 9 | yes |",
        "| b | 2 | s | < 1 | **no** |",
    ):
        assert row in said
    assert "old" not in said


def test_a_stored_measurement_is_read_back(tmp_path: Path) -> None:
    """Every value, limit and fact is the same."""
    before = of({"toy": [figure("x", 1.5, below=2)]})
    kept.write(before, tmp_path / "bench.json")
    (after,) = kept.read(tmp_path / "bench.json").values()
    assert (after.at, after.commit, after.machine) == (
        before["toy"].at,
        before["toy"].commit,
        before["toy"].machine,
    )
    assert [(each.name, list(each.values), each.below) for each in after.figures] == [("x", [1.5], 2)]

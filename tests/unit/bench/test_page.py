"""The last measurement as a page of the documentation."""

from datetime import UTC, datetime
from pathlib import Path

from tests.bench import page
from tests.bench.figures import Figure

FACTS = {"cores": 2, "python": "3.11.7", "system": "Linux x86_64", "loadAverage": 0.5}


def figure(name: str, value: float, unit: str = "s", below: float | None = None) -> Figure:
    """A figure of one value."""
    return Figure(name=name, unit=unit, values=[value], below=below)


def test_the_page_has_every_figure_its_commit_and_the_growth_curves(tmp_path: Path) -> None:
    """What was missed is said as loudly as what was met; the peers' way is drawn beside ours."""
    results = {
        "watching": [
            figure("100 active, nothing changed: a tick", 0.1),
            figure("  calls of Data Factory", 3, "calls", below=4),
            figure("10,000 active, nothing changed: a tick", 2, below=1),
            figure("10,000 active, 100 ended: until all are published", 8),
        ],
        "peers": [figure("the SDK's pipeline_runs.get", 5, "ms")],
    }
    page.write(results, FACTS, 3, datetime(2026, 1, 1, tzinfo=UTC), tmp_path / "docs" / "bench.md")
    text = (tmp_path / "docs" / "bench.md").read_text()
    for each in (*results["watching"], *results["peers"]):
        assert f"| {each.name.strip()} |" in text
    assert "| < 1 | **no** |" in text
    assert "| < 4 | yes |" in text
    assert "2026-01-01" in text
    assert "![tick seconds](tick-seconds.svg)" in text
    chart = (tmp_path / "docs" / "tick-seconds.svg").read_text()
    assert "one GET a run, official SDK" in chart


def test_a_busy_machine_is_told(tmp_path: Path) -> None:
    """What was measured beside other work says so."""
    for load, told in ((0.5, False), (18.4, True)):
        page.write(
            {"toy": [figure("x", 1)]},
            {**FACTS, "loadAverage": load},
            1,
            datetime(2026, 1, 1, tzinfo=UTC),
            tmp_path / "bench.md",
        )
        assert ("busy with other work" in (tmp_path / "bench.md").read_text()) is told


def test_what_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    """A page of one bench has a table alone."""
    page.write({"toy": [figure("x", 1)]}, FACTS, 1, datetime(2026, 1, 1, tzinfo=UTC), tmp_path / "bench.md")
    assert "svg" not in (tmp_path / "bench.md").read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["bench.md"]

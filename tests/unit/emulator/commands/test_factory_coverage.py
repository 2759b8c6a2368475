"""The page of what is emulated is current and matches the emulator's tables."""

from pathlib import Path

from adf_trigger.emulator.commands import coverage
from adf_trigger.emulator.expressions import TABLE

PAGE = Path(coverage.__file__).parents[1] / "COVERAGE.md"


def test_the_page_is_current() -> None:
    """COVERAGE.md matches the code; `python -m adf_trigger.emulator.commands.coverage > ...` renews it."""
    assert PAGE.read_text("utf-8") == coverage.page()


def test_every_emulated_operation_is_one_of_the_service() -> None:
    """Every operation and activity of ours is the service's, so that the page leaves none out."""
    assert coverage.emulated_operations() <= set(coverage.SERVICE_OPERATIONS)
    assert coverage.emulated_activities() <= set(coverage.SERVICE_ACTIVITIES)


def test_every_documented_function_is_emulated() -> None:
    """No documented function is missing."""
    ours = {function.name.lower() for function in TABLE}
    assert [name for name in coverage.SERVICE_FUNCTIONS if name.lower() not in ours] == []


def test_rows_distinguish_emulated_from_missing_operations() -> None:
    """The page distinguishes emulated from missing operations."""
    text = coverage.page()
    assert "| Pipelines_CreateRun | yes |" in text
    assert "| HDInsightHive | no |" in text
    assert "| DelimitedText | yes |" in text
    assert "| Parquet | no |" in text

"""Pipelines are read page by page, and each page is one call of Data Factory that has to be allowed."""

from collections.abc import Iterator

import pytest

from adf_trigger.datafactory.models import PipelineResource
from adf_trigger.errors import TryLater
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.reading.pipelines import A_PAGE, _read


def pipelines(count: int) -> Iterator[PipelineResource]:
    """A list of a factory."""
    for number in range(count):
        yield PipelineResource.model_validate({"name": f"p{number}", "properties": {}})


@pytest.mark.parametrize(
    ("calls", "count", "read", "complete"),
    [(1, A_PAGE - 1, A_PAGE - 1, True), (1, A_PAGE + 1, A_PAGE, False), (2, A_PAGE + 1, A_PAGE + 1, True)],
)
def test_a_list_ends_with_the_last_page_that_is_allowed(
    calls: int,
    count: int,
    read: int,
    complete: bool,  # noqa: FBT001
) -> None:
    """The answer says whether it is complete."""
    found, is_complete = _read(Budget(calls), pipelines(count))
    assert (len(found), is_complete) == (read, complete)


def test_where_no_call_is_allowed_there_is_no_list() -> None:
    """An empty one would say that the factory has no pipelines."""
    with pytest.raises(TryLater):
        _read(Budget(0), pipelines(1))

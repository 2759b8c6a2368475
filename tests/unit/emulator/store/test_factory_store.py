"""The store: queries page by page, runs, and their stored fields."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.common.documents import PIPELINES, Document, Factory
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun, Recovery
from adf_trigger.emulator.store import Store, queries
from adf_trigger.emulator.store.database import Database, stamp, unstamp
from adf_trigger.emulator.store.queries import PIPELINE_RUN_FIELDS, parse
from adf_trigger.emulator.store.selection import select

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
FACTORY = Factory(subscription_id="s", resource_group="g", name="adf", location="x", created=NOW, etag="e")


@contextmanager
def opened() -> Iterator[Store]:
    """A store with one factory, closed at the end."""
    with closing(Store(None)) as made:
        made.factories.save(FACTORY)
        yield made


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with one factory."""
    with opened() as made:
        yield made


def run(run_id: str, **more: Any) -> PipelineRun:
    """A run of that factory."""
    fields: dict[str, Any] = {
        "factory_id": FACTORY.id,
        "run_id": run_id,
        "run_group_id": run_id,
        "pipeline_name": "p",
        "definition": {"activities": []},
        "trigger_time": NOW,
        "last_updated": NOW,
    }
    return PipelineRun(**(fields | more))


def test_a_run_is_read_back_whole(store: Store) -> None:
    """Everything of a run is kept, with its types."""
    kept = run(
        "r",
        parameters={"a": [1, {"b": None}], "t": "x"},
        secure_parameters=frozenset({"t"}),
        recovery=Recovery(reference_run_id="q", is_recovery=True, start_activity_name="w"),
        invoked_by={"id": "i"},
        annotations=["n"],
        run_dimension={"k": "v"},
        return_value={"rows": [1, None]},
        run_start=NOW,
        message="",
        is_latest=False,
    )
    store.runs.save_run(kept)
    assert store.runs.run(FACTORY.id.upper(), "R") == kept


def test_an_update_changes_the_mutable_fields(store: Store) -> None:
    """Status, message, times and dimensions are updated; is_latest belongs to the group alone."""
    store.runs.save_run(run("r"))
    store.runs.supersede(FACTORY.id, "r", "another")
    ended = run("r", status="Succeeded", message="", run_end=NOW, last_updated=NOW + timedelta(seconds=1))
    store.runs.save_run(ended)
    assert store.runs.run(FACTORY.id, "r") == replace(ended, is_latest=False)
    assert store.runs.unfinished() == []


def test_a_run_after_a_reset_has_its_own_definition(store: Store) -> None:
    """Cached definitions from before a reset are not used for runs after it."""
    store.runs.save_run(run("r", definition={"activities": ["old"]}))
    assert store.runs.run(FACTORY.id, "r") is not None
    store.reset(keep_resources=True)
    kept = run("r", definition={"activities": ["new"]})
    store.runs.save_run(kept)
    assert store.runs.run(FACTORY.id, "r") == kept


def test_unfinished_runs_are_listed_in_order_of_creation(store: Store) -> None:
    """They are found again after a restart, oldest first."""
    for run_id, status in (("b", "InProgress"), ("a", "Queued"), ("c", "Failed"), ("d", "Canceling")):
        store.runs.save_run(run(run_id, status=status))
    assert [found.run_id for found in store.runs.unfinished()] == ["b", "a", "d"]


def test_nothing_is_written_for_a_deleted_factory(store: Store) -> None:
    """A run or activity that ends after its factory was deleted leaves nothing behind."""
    store.runs.save_run(run("r"))
    store.factories.delete(FACTORY.id)
    store.runs.save_run(run("r", status="Cancelled"))
    activity = ActivityRun(
        factory_id=FACTORY.id,
        run_id="r",
        pipeline_name="p",
        activity_run_id="a",
        activity_name="w",
        activity_type="Wait",
        start=NOW,
    )
    store.runs.save_activity(activity)
    store.factories.save(FACTORY)
    assert store.runs.run(FACTORY.id, "r") is None
    assert store.runs.activities(FACTORY.id, "r") == []


def test_activity_runs_are_listed_in_order_and_updated_in_place(store: Store) -> None:
    """The order is that of their start, whatever is saved later."""
    rows = [
        ActivityRun(
            factory_id=FACTORY.id,
            run_id="r",
            pipeline_name="p",
            activity_run_id=name,
            activity_name=name,
            activity_type="Wait",
            start=NOW,
            retry_attempt=1,
            output={"n": [1]},
            extra={"executionDetails": {}},
        )
        for name in ("b", "a")
    ]
    for row in rows:
        store.runs.save_activity(row)
    rows[0].status, rows[0].end = "Succeeded", NOW
    store.runs.save_activity(rows[0])
    assert store.runs.activities(FACTORY.id, "r") == rows


def test_documents_keep_the_case_of_their_first_name(store: Store) -> None:
    """Saved again in another case, a document keeps its first name and has its new content."""
    for name, etag in (("Camel", "1"), ("CAMEL", "2")):
        store.resources.save(
            Document(factory_id=FACTORY.id, kind=PIPELINES, name=name, properties={"v": etag}, etag=etag)
        )
    found = store.resources.get(FACTORY.id.lower(), PIPELINES, "camel")
    assert found is not None
    assert (found.name, found.properties, found.etag) == ("Camel", {"v": "2"}, "2")


TIMES = st.integers(0, 3).map(lambda day: NOW + timedelta(days=day))
RUNS = st.lists(
    st.tuples(
        st.sampled_from(["p", "q"]),
        st.sampled_from(["Queued", "Failed"]),
        st.none() | TIMES,
        st.none() | TIMES,
    ),
    max_size=25,
)
ORDERS = st.lists(
    st.fixed_dictionaries(
        {
            "orderBy": st.sampled_from(["PipelineName", "Status", "RunStart", "RunEnd"]),
            "order": st.sampled_from(["ASC", "DESC"]),
        }
    ),
    max_size=3,
)


@given(RUNS, ORDERS, st.integers(1, 6))
def test_pages_have_every_run_once_in_order(
    rows: list[tuple[str, str, datetime | None, datetime | None]], order: list[dict[str, str]], size: int
) -> None:
    """Whatever the order and the size of a page, the pages together are the sorted rows, none twice."""
    pages: list[list[str]] = []
    with opened() as store:
        for number, (pipeline, status, start, end) in enumerate(rows):
            store.runs.save_run(
                run(f"r{number}", pipeline_name=pipeline, status=status, run_start=start, run_end=end)
            )
        token: str | None = None
        while True:
            body = {**WINDOW, "orderBy": order, "continuationToken": token}
            query = parse(body, PIPELINE_RUN_FIELDS, "t")
            found, token = select(
                store.runs._database,
                "runs",
                {"factory_id": FACTORY.id},
                query,
                updated="last_updated",
                limit=size,
            )
            pages.append([row["run_id"] for row in found])
            if token is None:
                break
    expected = list(range(len(rows)))
    for key in reversed(order):
        column = ("PipelineName", "Status", "RunStart", "RunEnd").index(key["orderBy"])
        expected.sort(key=lambda number: str(rows[number][column] or ""), reverse=key["order"] == "DESC")
    assert [run_id for page in pages for run_id in page] == [f"r{number}" for number in expected]
    assert all(len(page) == size for page in pages[:-1])


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_sort_like_times(first: datetime, second: datetime) -> None:
    """Text in the database compares as the instants do, and gives them back."""
    texts = [stamp(first), stamp(second)]
    assert (str(texts[0]) < str(texts[1])) is (first < second)
    assert unstamp(texts[0]) == first


def test_a_page_is_a_hundred() -> None:
    """The service's page size."""
    assert queries.PAGE_SIZE == 100


def test_a_definition_is_not_one_from_before_a_reset(store: Store) -> None:
    """A run that is started after a reset has its own definition, not one read before."""
    store.runs.save_run(run("r", definition={"activities": ["old"]}))
    assert store.runs.run(FACTORY.id, "r") is not None
    store.reset(keep_resources=True)
    store.runs.save_run(run("r", definition={"activities": ["new"]}))
    found = store.runs.run(FACTORY.id, "r")
    assert found is not None
    assert found.definition == {"activities": ["new"]}


def test_the_database_is_usable_after_a_reset(store: Store) -> None:
    """A reset empties tables, and keeps those of resources on request."""
    store.runs.save_run(run("r"))
    store.reset(keep_resources=True)
    assert store.runs.run(FACTORY.id, "r") is None
    assert store.factories.get(FACTORY.id) is not None
    store.reset()
    assert store.factories.get(FACTORY.id) is None
    assert isinstance(store.runs._database, Database)


def test_factories_of_an_earlier_version_get_their_groups(tmp_path: Path) -> None:
    """In a data folder from before there were groups, each factory's subscription and group exist after the start."""
    path = tmp_path / "factory.db"
    store = Store(path)
    store.factories.save(FACTORY)
    store.close()
    store = Store(path)
    assert store.groups.subscriptions() == []
    store.groups.adopt("eastus")
    assert store.groups.subscriptions() == [FACTORY.subscription_id]
    group = store.groups.get(FACTORY.subscription_id, FACTORY.resource_group.upper())
    assert group is not None
    assert group.location == "eastus"
    store.close()


def test_a_database_of_an_earlier_version_gets_new_columns(tmp_path: Path) -> None:
    """A missing column is added, with null for existing runs."""
    path = tmp_path / "adf.sqlite"
    with closing(Store(path)) as made:
        made.factories.save(FACTORY)
        made.runs.save_run(run("r"))
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("ALTER TABLE runs DROP COLUMN return_value")
    for _ in range(2):
        with closing(Store(path)) as again:
            assert again.runs.run(FACTORY.id, "r") == run("r")

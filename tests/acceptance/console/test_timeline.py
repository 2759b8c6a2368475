"""Activity runs as a tree: attempts beside one another, rounds below the loop that they are of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.console import Person

BEGIN = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
TREE = """
  async ([runs, now]) => {
    const { treeOf } = await import(new URL("timeline.js", location.href));
    const below = (row) => row.rounds.map((each) => shown(each.rows));
    const shown = (rows) => rows.map((row) => [row.name, row.attempts.length, below(row)]);
    return shown(treeOf(runs, now));
  }
"""


def ran(name: str, begin: float, end: float | None, *, kind: str = "Copy", hash_: str = "") -> dict[str, Any]:
    """An activity run, its times in seconds from the beginning of its run."""

    def instant(seconds: float | None) -> str | None:
        return None if seconds is None else (BEGIN + timedelta(seconds=seconds)).isoformat()

    return {
        "activityName": name,
        "activityType": kind,
        "activityRunId": f"{name}/{begin}/{hash_}",
        "status": "Succeeded",
        "startedAt": instant(begin),
        "endedAt": instant(end),
        "iterationHash": hash_ or None,
        "childRunIds": [],
    }


def tree(person: Person, *runs: dict[str, Any], now: float = 100) -> Any:
    """Name, number of attempts and rounds of each row."""
    person.open()
    return person.page.evaluate(TREE, [list(runs), (BEGIN.timestamp() + now) * 1_000])


def test_attempts_are_one_row(person: Person) -> None:
    """Each retry is a run of its own with the same name."""
    runs = (ran("Copy", 0, 2), ran("Copy", 5, 7), ran("After", 8, 9))
    assert tree(person, *runs) == [["Copy", 2, []], ["After", 1, []]]


def test_loops_side_by_side_keep_their_own_rounds(person: Person) -> None:
    """The one begins and ends with its rounds, though they are in the time of the other, too."""
    found = tree(
        person,
        ran("Short", 10, 20, kind="ForEach"),
        ran("Long", 10, 30, kind="ForEach"),
        ran("Fetch", 10, 14, hash_="s1"),
        ran("Fetch", 14, 20, hash_="s2"),
        ran("Load", 10, 20, hash_="l1"),
        ran("Load", 20, 30, hash_="l2"),
    )
    fetch, load = [["Fetch", 1, []]], [["Load", 1, []]]
    assert found == [["Short", 1, [fetch, fetch]], ["Long", 1, [load, load]]]


def test_a_loop_in_a_loop_has_rounds_in_each_round(person: Person) -> None:
    """The inner loop runs once in each round of the outer one, and what is in it goes to that run."""
    runs = [ran("Outer", 0, 40.01, kind="ForEach")]
    for outer in range(2):
        runs.append(ran("Inner", 20 * outer, 20 * outer + 20, kind="Until", hash_=f"o{outer}"))
        for inner in range(2):
            begin = 20 * outer + 10 * inner
            runs.append(ran("Leaf", begin, begin + 10, hash_=f"i{outer}{inner}"))
    leaves = [[["Leaf", 1, []]]] * 2
    assert tree(person, *runs) == [["Outer", 1, [[["Inner", 1, leaves]], [["Inner", 1, leaves]]]]]


@pytest.mark.parametrize("end", [None, 12.0])
def test_a_running_loop_and_a_round_without_its_loop_are_shown(person: Person, end: float | None) -> None:
    """A running loop shows its rounds; a round whose loop is missing is still shown."""
    found = tree(person, ran("Each", 0, end, kind="ForEach"), ran("Fetch", 1, end, hash_="r1"), now=12)
    assert found == [["Each", 1, [[["Fetch", 1, []]]]]]
    assert tree(person, ran("Fetch", 1, 2, hash_="r1"), ran("First", 0, 1)) == [
        ["First", 1, []],
        ["Fetch", 1, []],
    ]


INNER = """
  async ([runs, now]) => {
    const { treeOf } = await import(new URL("timeline.js", location.href));
    const shown = (rows) => rows.map((row) => [row.name, shown(row.inner), row.rounds.map((each) => shown(each.rows))]);
    return shown(treeOf(runs, now));
  }
"""


def inner(person: Person, *runs: dict[str, Any], now: float = 100) -> Any:
    """Name, what is of its branch, and the same of each round, of each row."""
    person.open()
    return person.page.evaluate(INNER, [list(runs), (BEGIN.timestamp() + now) * 1_000])


def test_activities_of_an_if_are_below_it(person: Person) -> None:
    """Also where that is a Switch, a loop, or still running; what comes before and after is not."""
    found = inner(
        person,
        ran("Before", 0, 10),
        ran("Check", 10, 40, kind="IfCondition"),
        ran("First", 10.01, 20),
        ran("Which", 20, 39.99, kind="Switch"),
        ran("Each", 20.01, 39.98, kind="ForEach"),
        ran("Fetch", 20.1, 30, hash_="r1"),
        ran("Fetch", 30, 39.9, hash_="r2"),
        ran("After", 40, 50),
    )
    fetch = [["Fetch", [], []]]
    assert found == [
        ["Before", [], []],
        ["Check", [["First", [], []], ["Which", [["Each", [], [fetch, fetch]]], []]], []],
        ["After", [], []],
    ]
    going_on = inner(person, ran("Check", 0, None, kind="IfCondition"), ran("Load", 0.1, None), now=9)
    assert going_on == [["Check", [["Load", [], []]], []]]


def test_activities_that_only_run_beside_an_if_are_not_below_it(person: Person) -> None:
    """An If that has run nothing, or whose time others do not fill, has none of them."""
    found = inner(person, ran("Check", 0, 30, kind="IfCondition"), ran("Beside", 10, 20), ran("Long", 5, 60))
    assert found == [["Check", [], []], ["Long", [], []], ["Beside", [], []]]

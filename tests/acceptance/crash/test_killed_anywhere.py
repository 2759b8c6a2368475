from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.crash.crashing import crashing
from tests.acceptance.crash.killing import PARTS, SIDES, kill_at

Place = tuple[str, str]
"""A side, and a part of the steps."""


@pytest.fixture(scope="module")
def kills(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, warm: str
) -> Iterator[Mapping[Place, "Future[None]"]]:
    """The kills of each place, on a stack of its own, all at once: what takes long is leases that run out."""
    items = (item for item in request.session.items if item.path == request.path)
    wanted = [
        (str(item.callspec.params["side"]), str(item.callspec.params["part"]))
        for item in items
        if isinstance(item, pytest.Function)
    ]

    def kill(place: Place, folder: Path) -> None:
        side, part = place
        with crashing(folder, warm) as crashes:
            kill_at(crashes, side, PARTS[part])

    with ThreadPoolExecutor(len(wanted)) as threads:
        yield {place: threads.submit(kill, place, tmp_path_factory.mktemp("crash")) for place in wanted}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("side", SIDES)
def test_killed_on_either_side_of_each_effect_nothing_is_lost_or_doubled(
    kills: Mapping[Place, "Future[None]"], side: str, part: str
) -> None:
    """Whatever is acknowledged has one record, one run and one event id."""
    kills[side, part].result()

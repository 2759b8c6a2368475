"""Names of the files that a sink writes."""

from uuid import UUID

import pytest

from adf_trigger.emulator.connectors.files.targets import CopyBehavior, Targets
from adf_trigger.emulator.contract.activity import ActivityFailed

GUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def name(
    path: str | None, behavior: str = "", file_name: str = "", extension: str = "", suffix: str = ""
) -> str:
    """The name of a source file in the sink."""
    return Targets(CopyBehavior.read(behavior), file_name, extension, suffix, lambda: GUID).of(path)


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("sub/a.csv", {"path": "sub/a.csv"}),
        ("x.txt", {"path": "sub/a.csv", "file_name": "x.txt", "extension": ".json", "suffix": ".gz"}),
        ("sub/a.json", {"path": "sub/a.csv", "extension": ".json"}),
        ("sub.d/a.json.gz", {"path": "sub.d/a", "extension": ".json", "suffix": ".gz"}),
        (".hidden.json", {"path": ".hidden", "extension": ".json"}),
        (f"data_{GUID}.csv", {"path": "sub/a.csv", "behavior": "FlattenHierarchy"}),
        (f"data_{GUID}", {"path": "sub.d/a", "behavior": "flattenHierarchy"}),
        (f"data_{GUID}.json", {"path": None, "extension": ".json"}),
        (f"data_{GUID}", {"path": None, "behavior": "MergeFiles"}),
    ],
)
def test_names_follow_the_behavior(expected: str, given: dict[str, str]) -> None:
    """A file name wins; otherwise the hierarchy is kept, or a new name is made; the format sets the extension."""
    assert name(**given) == expected


def test_an_unknown_behavior_is_rejected() -> None:
    """copyBehavior is one of three words."""
    with pytest.raises(ActivityFailed, match="copyBehavior"):
        CopyBehavior.read("Scatter")

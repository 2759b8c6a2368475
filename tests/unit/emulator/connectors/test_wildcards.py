"""Wildcards of blob paths."""

import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.common.wildcards import fixed_folder, folder_matches, matches

PLAIN = st.text(alphabet="abc.-_[]{}()+$é", max_size=8)
NAMES = st.text(alphabet="ab*?^.", max_size=8)


@settings(deadline=None)
@given(PLAIN)
def test_a_name_without_wildcards_matches_only_itself(name: str) -> None:
    """A pattern without wildcards matches the same name and no other, whatever regex characters it has."""
    assert matches(name, name)
    assert not matches(name, f"{name}x")


@settings(deadline=None)
@given(NAMES)
def test_every_character_can_be_escaped(name: str) -> None:
    """With a caret before each of its characters, any name matches exactly itself."""
    pattern = "".join(f"^{character}" for character in name)
    assert matches(pattern, name)
    assert not matches(pattern, f"{name}a")


@settings(deadline=None)
@given(st.text(alphabet="ab*", max_size=6), st.text(alphabet="ab", max_size=8))
def test_a_star_matches_like_a_shells(pattern: str, name: str) -> None:
    """`*` matches like the standard library's own wildcard."""
    assert matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


@settings(deadline=None)
@given(st.text(alphabet="ab?", max_size=6), st.text(alphabet="ab", max_size=8))
def test_a_question_mark_is_one_character_or_none(pattern: str, name: str) -> None:
    """`?` matches zero or one character, unlike a shell's."""
    assert matches(pattern, name) == bool(re.fullmatch(pattern.replace("?", ".?"), name))


@pytest.mark.parametrize(
    ("pattern", "folder", "recursive", "expected"),
    [
        ("Folder*", "FolderA", False, True),
        ("Folder*", "FolderA/Subfolder1", False, False),
        ("Folder*", "FolderA/Subfolder1", True, True),
        ("Folder*", "AnotherFolderB", True, False),
        ("a/*/c", "a/b/c", False, True),
        ("a/*/c", "a/b/x/c", True, False),
        ("", "", False, True),
        ("", "sub", False, False),
        ("", "sub/deeper", True, True),
    ],
)
def test_folders_match_as_documented(
    pattern: str,
    folder: str,
    recursive: bool,  # noqa: FBT001 - a row of a table
    expected: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """A folder pattern stays within a level, and reaches below what it matches only if recursive."""
    assert folder_matches(pattern, folder, recursive=recursive) is expected


def test_a_search_starts_below_the_constant_folders() -> None:
    """The listing begins at the leading part without wildcards."""
    assert fixed_folder("a/b/c*/d") == "a/b"
    assert fixed_folder("*") == ""
    assert fixed_folder("a/b") == "a/b"

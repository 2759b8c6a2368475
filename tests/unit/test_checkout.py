"""What a checkout holds is whole on any machine."""

import shutil
import subprocess

import pytest

from tests.support.documents import ROOT

LINK = "120000"
"""The mode that git gives a symbolic link."""


GIT = shutil.which("git")


@pytest.mark.skipif(GIT is None or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_tracked_file_is_a_symbolic_link() -> None:
    """A link points into the machine it was made on (and Windows lays it as a text file), so none is tracked."""
    assert GIT is not None
    listed = subprocess.run(
        [GIT, "ls-files", "--stage"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]

    assert rows
    assert [row[3] for row in rows if row[0] == LINK] == []


@pytest.mark.skipif(GIT is None or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_tracked_file_has_the_marks_of_a_merge() -> None:
    """What two branches have changed was brought together, in documents as in code."""
    assert GIT is not None
    marks = r"(^|[^<])<{7} (HEAD|[0-9a-f]{7})|>{7} [0-9a-f]{7,40} \("
    found = subprocess.run(
        [GIT, "grep", "--name-only", "-I", "-E", marks], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (1, "")

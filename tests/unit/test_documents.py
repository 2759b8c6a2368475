"""The documents say what is there."""

import json
import re
from pathlib import Path

import pytest

from adf_trigger.functions.problems import PROBLEM_ROOT, PROBLEM_TYPES
from tests.support.settings_table import settings_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
GUARANTEES = (ROOT / "GUARANTEES.md").read_text("utf-8")
NAMED_TESTS = sorted(set(re.findall(r"`(test_\w+\.py)::(\w+)`", GUARANTEES)))


def test_the_table_of_settings_is_the_code() -> None:
    """Every setting is in the README, with the default and the words of the code."""
    assert settings_table() in README


def test_every_problem_type_is_documented_and_none_besides() -> None:
    """The README's table names each type with its status."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", README, re.MULTILINE)
    assert {(PROBLEM_ROOT + slug, int(status)) for slug, status in rows} == {
        (each.uri, each.status.value) for each in PROBLEM_TYPES
    }


@pytest.mark.parametrize(("file", "name"), NAMED_TESTS)
def test_every_promise_names_a_test_that_is_there(file: str, name: str) -> None:
    """A guarantee without its test is not one."""
    (path,) = (ROOT / "tests").rglob(file)
    assert re.search(rf"^(def {name}\(|{name} = )", path.read_text("utf-8"), re.MULTILINE)


def test_there_are_promises() -> None:
    """The pattern above finds them."""
    assert len(NAMED_TESTS) > 10


@pytest.mark.parametrize("document", ["README.md", "GUARANTEES.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(document: str) -> None:
    """Relative links name files of this repository."""
    text = (ROOT / document).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_settings_template_can_be_read() -> None:
    """local.settings.json.template is JSON, and names what must be set."""
    template = json.loads((ROOT / "local.settings.json.template").read_text("utf-8"))
    assert {"ADF_TRIGGER_FACTORIES", "AzureWebJobsStorage"} <= set(template["Values"])


@pytest.mark.parametrize(
    "requirements", ["requirements.txt", "requirements-local.txt", "requirements-dev.txt"]
)
def test_every_dependency_has_a_range_and_a_reason(requirements: str) -> None:
    """Each requirement is bounded on both sides, in a block that begins with its reason."""
    blocks = (ROOT / requirements).read_text("utf-8").split("\n\n")[1:]
    for line in "\n".join(blocks).splitlines():
        if line and not line.startswith(("#", "-r ")):
            assert re.match(r"^[A-Za-z0-9._\[\]-]+>=[\d.]+(,<\d+)?$", line), line
    lines = "\n".join(blocks).splitlines()
    wants_reason = [line for before, line in zip(["", *lines], lines, strict=False) if line and before == ""]
    assert [line for line in wants_reason if not line.startswith("#")] == []

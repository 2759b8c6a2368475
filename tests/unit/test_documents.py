"""The documents say what is there."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from adf_trigger.emulator.arm.throttling import MONITORING, SIZES
from adf_trigger.emulator.commands.coverage import emulated_activities
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.contract.limits import EXTERNAL, LARGEST_PAYLOAD, PIPELINE, Group, group_of
from adf_trigger.emulator.engine.progression import Mode
from adf_trigger.emulator.engine.queues import MAX_QUEUED_RUNS
from adf_trigger.emulator.faults.rules import Fault, RequestFault
from adf_trigger.emulator.handlers.runs import RETENTION
from adf_trigger.emulator.http.routes import OPERATIONS
from adf_trigger.emulator.validation import limits
from adf_trigger.functions.problems import PROBLEM_ROOT, PROBLEM_TYPES
from tests.support.documents import ROOT, section, table_rows
from tests.support.settings_table import settings_table

README = (ROOT / "README.md").read_text("utf-8")
EMULATOR = (ROOT / "adf_trigger" / "emulator" / "README.md").read_text("utf-8")
HOST = (ROOT / "adf_trigger" / "functions_host" / "README.md").read_text("utf-8")
GUARANTEES = (ROOT / "GUARANTEES.md").read_text("utf-8")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
NAMED_TESTS = sorted(set(re.findall(r"`(test_\w+\.py)::(\w+)`", GUARANTEES)))


def in_code(cell: str) -> tuple[str, ...]:
    """What a cell has in backticks."""
    return tuple(re.findall(r"`([^`]*)`", cell))


def number(value: int) -> str:
    """As documents write it."""
    return f"{value:,}"


def kibibytes(value: int) -> str:
    """As documents write it."""
    return f"{value // 1024} KiB"


def counted_in(group: Group) -> str:
    """The activities whose number a limit is about."""
    return ", ".join(sorted(name for name in emulated_activities() if group_of(name) is group))


def values_of_options() -> dict[str, tuple[str, ...]]:
    """The emulator's options, each with its default and then what else it may be, unless that is any number."""
    hints = get_type_hints(Options)
    return {name: _default_first(default, hints[name]) for name, default in asdict(Options()).items()}


def _default_first(default: object, hint: Any) -> tuple[str, ...]:
    values: Iterable[object] = (
        (True, False) if hint is bool else get_args(hint) if get_origin(hint) is Literal else ()
    )
    in_order = (default, *(value for value in values if value != default))
    return tuple("null" if value is None else str(value).lower() for value in in_order)


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
    assert re.search(rf"^((def|class) {name}\(|{name} = )", path.read_text("utf-8"), re.MULTILINE)


def test_there_are_promises() -> None:
    """The pattern above finds them."""
    assert len(NAMED_TESTS) > 10


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "GUARANTEES.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/admission.md",
        "docs/arrangements.md",
        "docs/events.md",
        "adf_trigger/emulator/README.md",
    ],
)
def test_links_lead_somewhere(document: str) -> None:
    """Relative links name files of this repository, or headings of the document, or of another one."""
    file = ROOT / document
    links = [link for link in re.findall(r"\]\(([^)]+)\)", file.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not leads_somewhere(file, link)] == []


def leads_somewhere(document: Path, link: str) -> bool:
    """Whether there is what a link of a document names."""
    name, _, heading = link.partition("#")
    file = document.parent / name if name else document
    return file.exists() and (not heading or heading in anchors_of(file.read_text("utf-8")))


def anchors_of(text: str) -> set[str]:
    """What headings are linked by."""
    return {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def test_the_emulators_switches_are_those_of_the_code() -> None:
    """Each option is in the emulator's page with its values, the default first."""
    told = {
        in_code(name): in_code(values) for name, values, _ in table_rows(section(EMULATOR, "## Switches"))
    }
    assert told == {(name,): values for name, values in values_of_options().items()}


def test_the_emulators_faults_are_those_of_the_code() -> None:
    """Each fault is in the emulator's page with the fields of its own."""
    rows = table_rows(section(EMULATOR, "### Faults"))
    shared = {*RequestFault.model_fields, "fault"}
    models = get_args(get_args(Fault)[0])
    assert {kind: in_code(fields) for kind, fields, _ in rows} == {
        f"`{kind}`": tuple(name for name in model.model_fields if name not in shared)
        for model in models
        for kind in get_args(model.model_fields["fault"].annotation)
    }


def test_the_emulators_operations_and_modes_are_those_of_the_code() -> None:
    """The operations that the page names for faults are there, and so is every mode of progression."""
    named = set(re.findall(r"`((?:[A-Z][a-z]+){2,})`", section(EMULATOR, "### Faults")))
    assert named
    assert named <= {operation.name for operation in OPERATIONS}
    modes = [in_code(row[0])[0].replace("-", "") for row in table_rows(section(EMULATOR, "### Progression"))]
    assert modes == [mode.value.lower() for mode in Mode]


def test_the_limits_of_a_strict_emulator_are_those_of_the_code() -> None:
    """Each limit is in the emulator's page with the number that is kept."""
    documents: dict[str, Any] = {
        name: value
        for name, value in vars(limits).items()
        if name.isupper() and isinstance(value, int | tuple)
    }
    assert table_rows(section(EMULATOR, "## Limits")) == [
        ["documents in a factory", number(documents.pop("MAX_ENTITIES"))],
        ["activities in a pipeline, those inside others included", number(documents.pop("MAX_ACTIVITIES"))],
        ["parameters of a pipeline", number(documents.pop("MAX_PARAMETERS"))],
        ["size of a pipeline", kibibytes(documents.pop("MAX_PIPELINE_BYTES"))],
        ["size of any other document", kibibytes(documents.pop("MAX_DOCUMENT_BYTES"))],
        ["`batchCount` of a ForEach", number(documents.pop("MAX_BATCH_COUNT"))],
        ["`dataIntegrationUnits` of a Copy", number(documents.pop("MAX_DATA_INTEGRATION_UNITS"))],
        ["`timeout` of an activity", " to ".join(documents.pop("TIMEOUTS"))],
        ["runs of a factory that have not ended", number(documents.pop("MAX_CONCURRENT_RUNS"))],
        ["runs of a pipeline that wait for its `concurrency`", number(MAX_QUEUED_RUNS)],
        [f"{counted_in(PIPELINE)} at once, in a subscription and region", number(PIPELINE.limit)],
        [f"{counted_in(EXTERNAL)} at once, in a subscription and region", number(EXTERNAL.limit)],
        ["payload of an activity: itself, its datasets and linked services", kibibytes(LARGEST_PAYLOAD)],
        ["monitoring queries of a factory in a minute", number(MONITORING["reads"].capacity)],
    ]
    assert documents == {}


def test_the_other_numbers_of_the_emulators_page_are_those_of_the_code() -> None:
    """Token buckets, and how long runs are shown."""
    text = " ".join(EMULATOR.split())
    sizes = [SIZES[bucket] for bucket in ("reads", "writes", "deletes")]
    bursts = "bursts of {} reads, {} writes and {} deletes".format(*(size.capacity for size in sizes))
    assert bursts in text
    assert (
        "of which {:g}, {:g} and {:g} come back in a second".format(*(size.refill for size in sizes)) in text
    )
    assert f"runs older than {RETENTION.days} days are gone" in text


def test_the_settings_template_can_be_read() -> None:
    """local.settings.json.template is JSON, and names what must be set."""
    template = json.loads((ROOT / "local.settings.json.template").read_text("utf-8"))
    assert {"ADF_TRIGGER_FACTORIES", "AzureWebJobsStorage"} <= set(template["Values"])


@pytest.mark.parametrize("requirements", ["requirements.in", "requirements-local.in", "requirements-dev.in"])
def test_every_dependency_has_a_range_and_a_reason(requirements: str) -> None:
    """Each requirement is bounded on both sides, in a block that begins with its reason."""
    blocks = (ROOT / requirements).read_text("utf-8").split("\n\n")[1:]
    for line in "\n".join(blocks).splitlines():
        if line and not line.startswith(("#", "-r ")):
            assert re.match(r"^[A-Za-z0-9._\[\]-]+>=[\d.]+(,<[\d.]+)?(; python_version .+)?$", line), line
    lines = "\n".join(blocks).splitlines()
    wants_reason = [line for before, line in zip(["", *lines], lines, strict=False) if line and before == ""]
    assert [line for line in wants_reason if not line.startswith("#")] == []


def test_the_page_of_the_functions_host_names_tests_that_are_there() -> None:
    """Each line of what it imitates names its tests."""
    named = set(re.findall(r"`(test_\w+\.py)`", HOST))
    assert named
    assert {path.name for path in (ROOT / "tests").rglob("test_host_*.py")} >= named

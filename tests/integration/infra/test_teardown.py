"""The README's clean-up of what a deployment leaves in the factories' groups, with stand-ins for azd and az."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.documents import ROOT, marked_blocks, run

(TEARDOWN,) = (
    block.code for block in marked_blocks((ROOT / "README.md").read_text("utf-8")) if block.kind == "teardown"
)
GROUP = "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg-data/providers"
LAB = GROUP.replace("rg-data", "rg-lab")
ROLES = "Microsoft.Authorization"
ASSIGNMENTS = [
    [
        f"{GROUP}/Microsoft.DataFactory/factories/adf-prod/providers/{ROLES}/roleAssignments/1",
        f"{GROUP}/Microsoft.DataFactory/factories/adf-archive/providers/{ROLES}/roleAssignments/2",
    ],
    [f"{LAB}/Microsoft.DataFactory/factories/adf-lab/providers/{ROLES}/roleAssignments/3"],
]
DEFINITIONS = [f"{GROUP}/{ROLES}/roleDefinitions/4", f"{LAB}/{ROLES}/roleDefinitions/5"]
AZD = """#!/bin/sh
[ "$1 $2" = "env get-value" ] && cat "$(dirname "$0")/$3"
"""
AZ = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
"""


def torn_down(folder: Path, outputs: Mapping[str, object]) -> list[str]:
    """The calls of az that the README's commands make for a deployment with these outputs."""
    for name, script in {"azd": AZD, "az": AZ}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    for name, value in outputs.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "calls").touch()
    done: subprocess.CompletedProcess[str] = run("bash", f'PATH="{folder}:$PATH"\n{TEARDOWN}', folder=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "calls").read_text().splitlines()


def test_assignments_go_before_the_definitions_that_they_use(tmp_path: Path) -> None:
    """Every id of the outputs is deleted once: a definition that is still assigned could not be."""
    outputs = {"FACTORY_ROLE_ASSIGNMENTS": ASSIGNMENTS, "FACTORY_ROLE_DEFINITIONS": DEFINITIONS}
    ids = [*ASSIGNMENTS[0], *ASSIGNMENTS[1], *DEFINITIONS]
    assert torn_down(tmp_path, outputs) == [
        f"rest --method delete --url {each}?api-version=2022-04-01" for each in ids
    ]


@pytest.mark.parametrize("definitions", [[""], ["", ""]])
def test_the_built_in_role_stays(tmp_path: Path, definitions: list[str]) -> None:
    """Without a custom role, assignments alone are deleted."""
    outputs = {"FACTORY_ROLE_ASSIGNMENTS": ASSIGNMENTS[1:], "FACTORY_ROLE_DEFINITIONS": definitions}
    assert torn_down(tmp_path, outputs) == [
        f"rest --method delete --url {ASSIGNMENTS[1][0]}?api-version=2022-04-01"
    ]

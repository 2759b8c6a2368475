"""What the emulator's page shows under Azure's own names, run as it stands."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adf_trigger.emulator.hosting.defaults import FACTORY_ID, RESOURCE_GROUP
from tests.acceptance.azure_names.conftest import AZ
from tests.support.documents import ROOT, marked_blocks, section

NAMES = section(
    (ROOT / "adf_trigger" / "emulator" / "README.md").read_text("utf-8"), "## Under Azure's own names"
)
TAKE_OVER = marked_blocks(NAMES.partition("\n### ")[0])[0].code
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
<TargetFramework>net8.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup><ItemGroup>
<PackageReference Include="Azure.Identity" Version="*" />
<PackageReference Include="Azure.ResourceManager" Version="*" />
</ItemGroup></Project>"""


def block(heading: str) -> str:
    """The code under a heading."""
    (found,) = marked_blocks(section(NAMES, heading))
    return found.code


@pytest.fixture
def paste(shell: Any) -> Callable[..., str]:
    """Runs lines in a bash that has nothing of the stack but what they take over."""

    def run(code: str, *programs: str) -> str:
        clean = dict.fromkeys(shell.variables, "")
        path = os.pathsep.join([str(Path(sys.executable).parent), *programs, os.environ["PATH"]])
        done = shell.run("bash", "-euo", "pipefail", "-c", code, PATH=path, **clean)
        said: str = done.stdout
        return said

    return run


def test_the_first_lines_make_a_shell_that_passes_the_check(paste: Callable[..., str]) -> None:
    """Taking over and checking, as the page begins."""
    assert paste(TAKE_OVER) == ""


def test_every_part_begins_with_the_check() -> None:
    """No example for a shell can be run where it would reach the real Azure."""
    for heading in ("### By az", "### From curl, verbatim", "### From PowerShell"):
        assert "adf_trigger.local env --check" in block(heading)
    assert block("### By az").startswith("python -m adf_trigger.local env --check")


def test_by_az(paste: Callable[..., str]) -> None:
    """A group, a factory in it, and an end of both."""
    if not Path(AZ).exists():
        pytest.skip("there is no Azure CLI: .ci/run makes one in .venv-az")
    said = paste(TAKE_OVER + block("### By az"), str(Path(AZ).parent))
    assert "my-factory" in said


def test_by_curl(paste: Callable[..., str]) -> None:
    """The group that stands from the start is listed."""
    assert f'"name":"{RESOURCE_GROUP}"' in paste(TAKE_OVER + block("### From curl, verbatim"))


def test_from_python(paste: Callable[..., str]) -> None:
    """The factory that stands from the start is listed."""
    said = paste(f"{TAKE_OVER}python - <<'END'\n{block('### From Python')}END\n")
    assert FACTORY_ID.rpartition("/")[2] in said


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="there is no PowerShell here")
def test_from_powershell(shell: Any, paste: Callable[..., str]) -> None:
    """The Az module signs in, makes a group and removes it."""
    if not shell.run(
        "pwsh", "-NoProfile", "-Command", "(Get-Module -ListAvailable Az.Resources).Name"
    ).stdout:
        pytest.skip("PowerShell is here without its module Az.Resources")
    (shell.folder / "page.ps1").write_text(f"$ErrorActionPreference = 'Stop'\n{block('### From PowerShell')}")
    paste("pwsh -NoProfile -File page.ps1")


@pytest.mark.skipif(shutil.which("dotnet") is None, reason="there is no .NET here")
def test_from_dotnet(shell: Any, paste: Callable[..., str]) -> None:
    """Azure.ResourceManager lists the group that stands from the start."""
    project = shell.folder / "page"
    project.mkdir()
    (project / "page.csproj").write_text(PROJECT)
    (project / "Program.cs").write_text(block("### From C#/.NET"))
    restored = shell.run("dotnet", "restore", str(project), check=False, **dict.fromkeys(shell.variables, ""))
    if restored.returncode:
        pytest.skip("the packages of Azure for .NET cannot be had here")
    assert RESOURCE_GROUP in paste(f"{TAKE_OVER}dotnet run --no-restore --project {project}")


def test_nothing_of_it_went_elsewhere(shell: Any) -> None:
    """No part of the page that is Python talked to another machine."""
    assert shell.elsewhere() == []

"""What the README says about the local Data Factory, run as it stands."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.documents import ROOT, marked_blocks, section, serving

README = (ROOT / "README.md").read_text("utf-8")


def test_the_readmes_commands_serve_a_factory(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """import and factory, pasted in one piece, serve a repository's folder."""
    folder = tmp_path / "path" / "to" / "repository" / "pipeline"
    folder.mkdir(parents=True)
    (folder / "Nightly.json").write_text(json.dumps({"name": "Nightly", "properties": {"activities": []}}))
    (serve,) = marked_blocks(section(README, "## The local Data Factory"))
    assert serve.kind == "serve"
    with serving(serve.code, folder=tmp_path, facts="factory.json") as facts:
        assert httpx.get(facts["control_url"] + "/").is_success
    assert "Loaded 1 pipeline\n" in capfd.readouterr().out

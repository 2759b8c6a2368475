"""Fixtures of the unit tests of the host."""

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

MakeApp = Callable[..., Path]


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Write an app folder: the body of function_app.py, and other files by name."""

    def make(code: str, **files: str) -> Path:
        head = "import azure.functions as func\n"
        (tmp_path / "function_app.py").write_text(head + dedent(code), encoding="utf-8")
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(dedent(content), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "function_app", raising=False)
        return tmp_path

    return make

"""The files that the deployment tools pack, each by its own reading of .funcignore.

azd (cli/azd/pkg/project/project_utils.go) and VS Code go by the rules of .gitignore. Azure Functions Core Tools
(Common/GitIgnoreParser.cs) make one regular expression of all lines and look for it at the beginning of each path:
`*` is one or more characters without a slash, `**` one or more of any, and nothing else has a meaning.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

_IGNORE_FILE = ".funcignore"


def packed_by_azd(folder: Path) -> set[str]:
    """The paths that azd packs."""
    spec = GitIgnoreSpec.from_lines((folder / _IGNORE_FILE).read_text("utf-8").splitlines())
    return set(_walk_as_azd(folder, folder, spec))


def packed_by_func(folder: Path) -> set[str]:
    """The paths that `func azure functionapp publish` packs."""
    lines = [line.strip() for line in (folder / _IGNORE_FILE).read_text("utf-8").splitlines()]
    patterns = [_as_func_reads(line) for line in lines if line and not line.startswith("#")]
    denied = re.compile("(" + ")|(".join(patterns) + ")")
    never = {_IGNORE_FILE, ".gitignore", "appsettings.json", "local.settings.json", "project.lock.json"}
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in paths
        if path.name not in never
        and not {".git", ".vscode"} & set(path.parts[:-1])
        and not denied.match(path.as_posix())
    }


def zipped(folder: Path, paths: set[str], file: Path) -> bytes:
    """The zip of these paths, the same for the same content; also written to a file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            archive.writestr(zipfile.ZipInfo(path), (folder / path).read_bytes())
    return file.read_bytes()


def _walk_as_azd(folder: Path, root: Path, spec: GitIgnoreSpec) -> Iterator[str]:
    for path in folder.iterdir():
        relative = path.relative_to(root).as_posix()
        if path.is_dir():
            if path.name != ".azure" and not spec.match_file(f"{relative}/"):
                yield from _walk_as_azd(path, root, spec)
        elif path.name not in (_IGNORE_FILE, "local.settings.json") and not spec.match_file(relative):
            yield relative


def _as_func_reads(line: str) -> str:
    text = re.sub(r"[-\[\]/{}()+?.\\^$|]", r"\\\g<0>", line.removeprefix("/"))
    return text.replace("**", "(.+)").replace("*", r"([^\/]+)")

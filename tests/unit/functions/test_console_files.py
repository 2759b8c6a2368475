"""The console's files as they are served: to everyone, nothing else, and under a strict policy."""

import re
from os.path import normpath
from pathlib import Path
from urllib.parse import urljoin

import azure.functions as func
import pytest

from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions.console import MEDIA_TYPES, STATIC_FILES
from tests.unit.functions.conftest import Caller

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "adf_trigger" / "console"
MOST_BYTES = 300_000
UNSAFE = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def ask(
    caller: Caller, path: str, *, url: str | None = None, method: str = "GET", **headers: str
) -> func.HttpResponse:
    """A file of the console, by its path below `/console/`; header names are given with underscores."""
    request = func.HttpRequest(
        method,
        url or f"http://host/api/console/{path}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        route_params={"path": path} if path else {},
        body=b"",
    )
    return caller.ask("console", request)


def test_the_page_is_served_to_everyone_and_in_no_frame(caller: Caller) -> None:
    """It holds no data; its policy allows no inline code, no other host, no frame and no HTML built from text."""
    page = ask(caller, "")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    directives = [each.strip().partition(" ") for each in page.headers["Content-Security-Policy"].split(";")]
    assert {name: value for name, _, value in directives} == POLICY
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert ask(caller, "index.html").get_body() == page.get_body()


@pytest.mark.parametrize("name", sorted(STATIC_FILES))
def test_every_file_is_served_unchanged(caller: Caller, name: str) -> None:
    """It has its media type, so that nosniff lets it work."""
    answer = ask(caller, name)
    assert answer.get_body() == (FOLDER / name).read_bytes()
    assert answer.headers["Content-Type"] == MEDIA_TYPES["." + name.rpartition(".")[2]]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "__init__.py",
        "../functions/app.py",
        "..%2f..%2fhost.json",
        "..\\..\\host.json",
        "/etc/passwd",
        "index.html/",
        "INDEX.HTML",
        "./index.html",
        "a" * 10_000,
        "\x00",
        "..",
        "run.js?code=x",
    ],
)
def test_only_the_files_of_the_page_are_served(caller: Caller, path: str) -> None:
    """Names are looked up in a table: no path of a request reaches the disk."""
    answer = ask(caller, path, url="http://host/api/console/whatever")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert answer.get_body() == b"The console has no such file.\n"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("prefix", ["/api", "", "/some/other/prefix"])
def test_without_its_slash_the_page_is_found_behind_any_prefix(caller: Caller, prefix: str) -> None:
    """The redirect is relative, and drops a key from the URL."""
    for path in ("console", "Console"):
        url = f"https://host{prefix}/{path}"
        answer = ask(caller, "", url=f"{url}?code=secret")
        assert answer.status_code == 308
        assert urljoin(url, answer.headers["Location"]) == f"{url}/index.html"
        assert "secret" not in answer.headers["Location"]
    assert ask(caller, "", url=f"https://host{prefix}/console/?code=secret").status_code == 200


def test_a_file_that_the_browser_has_is_not_sent_again(caller: Caller) -> None:
    """The browser revalidates each time, so that a new version is a new page immediately."""
    first = ask(caller, "style.css")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = ask(caller, "style.css", If_None_Match=known)
        assert (again.status_code, again.get_body(), again.headers["ETag"]) == (304, b"", etag)
    for other in ('"other"', "", etag.strip('"')):
        assert ask(caller, "style.css", If_None_Match=other).status_code == 200
    assert len({file.etag for file in STATIC_FILES.values()}) == len(STATIC_FILES)


def test_a_head_is_answered_as_a_get(caller: Caller) -> None:
    """The platform drops the body itself."""
    assert dict(ask(caller, "style.css", method="HEAD").headers) == dict(ask(caller, "style.css").headers)


def test_it_is_served_while_the_settings_are_faulty(caller: Caller) -> None:
    """The page shows that they are faulty, and needs none."""

    def faulty() -> None:
        raise AssertionError("a file needs no settings")

    functions = app_of(faulty, Bindings.of(caller.world.settings)).get_functions()  # type: ignore[arg-type]
    caller._functions["console"] = next(
        each.get_user_function() for each in functions if each.get_function_name() == "console"
    )
    assert ask(caller, "").status_code == 200


def test_the_page_is_small_and_references_only_its_own_files() -> None:
    """It has less than 300 KB in all; references are relative and to its own files, and the HTML contains no code."""
    assert sum(len(file.content) for file in STATIC_FILES.values()) < MOST_BYTES
    for name, file in STATIC_FILES.items():
        text = file.content.decode()
        referred = re.findall(r"""(?:src|href)="([^"#]+)"|from "([^"]+)"|import\("([^"]+)"\)""", text)
        for reference in ("".join(each) for each in referred):
            if not reference.startswith("data:"):
                assert reference.removeprefix("./") in STATIC_FILES, (name, reference)
        if name.endswith(".html"):
            assert not re.search(r"""<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:""", text), (
                name
            )
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage", text
        ), name


@pytest.mark.parametrize("folder", [".", "factory"])
def test_all_modules_are_requested_in_parallel(folder: str) -> None:
    """The page names every module that its first one imports, so that none waits for another to be read."""
    wanted, found = ["app.js"], set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            text = (FOLDER / folder / name).read_text("utf-8")
            wanted += [
                normpath(Path(name).parent / each) for each in re.findall(r'from "(\.\.?/[^"]+)"', text)
            ]
    page = (FOLDER / folder / "index.html").read_text("utf-8")
    assert {*re.findall(r'rel="modulepreload" href="([^"]+)"', page), "app.js"} == found


def test_the_page_over_the_local_factory_is_no_part_of_the_app(caller: Caller) -> None:
    """It is served by the emulator, never deployed, and keeps to the same rules."""
    assert not [name for name in STATIC_FILES if "factory" in name or name in {"graph.js", "pipelines.js"}]
    assert ask(caller, "factory/app.js").status_code == 404
    for file in (FOLDER / "factory").iterdir():
        assert not re.search(UNSAFE, file.read_text("utf-8")), file
    assert "/adf_trigger/console/factory/" in (ROOT / ".funcignore").read_text("utf-8").split()

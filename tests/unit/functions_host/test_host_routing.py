"""Which function handles a request: templates, constraints, methods, keys."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.functions_host.common.errors import AppLoadError
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.routing import Route, RouteTemplate, find, route
from adf_trigger.functions_host.http.urls import normal_path
from adf_trigger.functions_host.worker.index import AuthLevel, HttpTrigger
from tests.unit.functions_host.doubles import a_function


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/runs", "/api/runs", {}),
        ("api/runs", "/API/Runs/", {}),
        ("api/runs", "/api/runs/1", None),
        ("api/runs", "/api", None),
        ("api/runs", "/api//runs", None),
        ("api/runs/{id}", "/api/runs/A-1", {"id": "A-1"}),
        ("api/runs/{id}", "/api/runs/", None),
        ("api/runs/{id}/activities", "/api/runs/7/activities", {"id": "7"}),
        ("api/runs/{id?}", "/api/runs", {}),
        ("api/runs/{id?}", "/api/runs/7", {"id": "7"}),
        ("api/runs/{id=1}", "/api/runs", {"id": "1"}),
        ("api/runs/{id:int=1}", "/api/runs/2", {"id": "2"}),
        ("files/{*path}", "/files/a/b%20c/d", {"path": "a/b c/d"}),
        ("files/{**path}", "/files", {}),
        ("files/{*path}", "/filesystem", None),
        ("{*all}", "/", {}),
        ("v{major:int}.{minor:int}", "/v1.2", {"major": "1", "minor": "2"}),
        ("{name}.{ext}", "/a.tar.gz", {"name": "a.tar", "ext": "gz"}),
        ("x/{id}", "/x/a%2Fb", {"id": "a%2Fb"}),
        ("x/{id}", "/x/a%2fb", {"id": "a%2fb"}),
        ("x/{id}", "/x/a%252Fb", {"id": "a%2Fb"}),
        ("x/{id}", "/x/%ff", {"id": "%ff"}),
        ("x/{id}", "/x/%C3", {"id": "%C3"}),
        ("x/{id}", "/x/a+b", {"id": "a+b"}),
        ("x/{id}", "/x/a%2Bb", {"id": "a+b"}),
        ("x/{id}", "/x/a%", {"id": "a%"}),
        ("x/{id}", "/x/a%zz", {"id": "a%zz"}),
        ("x/{id}", "/x/%0d%0ax", {"id": "\r\nx"}),
        ("x/{id}", "/x/a\\b", {"id": "a\\b"}),
        ("x/{id}", "/x/a%5Cb", {"id": "a\\b"}),
        ("x/{id}", "/x/a;b=c", {"id": "a;b=c"}),
        ("x/{id}", "/x/..", None),
        ("x/{id}", "/x/%2e%2e", None),
        ("x/{id}", "/x/.", None),
        ("x/{id}", "/x/7//", None),
        ("x/{id}", "//x/7", None),
        ("x/{id}/y", "/x/7/z/../y", {"id": "7"}),
        ("x", "/../../x", {}),
        ("x/{id}", "/x/a%25b", {"id": "a%b"}),
        ("x/{id}", "/x/gr%C3%BCn", {"id": "grün"}),
        ("", "/", {}),
    ],
)
def test_a_template_matches_as_on_the_platforms_router(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    """Literals in any case, values decoded but for an encoded slash, optional and catch-all parameters."""
    assert RouteTemplate(template).match(normal_path(path)) == expected


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", ["0", "-5", "2147483647"], ["2147483648", "1.5", "x", "9" * 5000]),
        ("long", ["9223372036854775807"], ["9223372036854775808"]),
        ("bool", ["true", "FALSE"], ["1", "yes"]),
        ("guid", ["0f0e0d0c-0b0a-0908-0706-050403020100"], ["0f0e0d0c", "x"]),
        ("alpha", ["abcXYZ"], ["a1", "é"]),
        ("datetime", ["2026-11-22", "2026-11-22T10:00:00"], ["tomorrow"]),
        ("decimal", ["1", "-1.5", ".5"], ["1,5", "x"]),
        ("min(5)", ["5", "6"], ["4", "x"]),
        ("max(5)", ["5", "-6"], ["6"]),
        ("range(1,5)", ["1", "5"], ["0", "6"]),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("minlength(2)", ["ab"], ["a"]),
        ("maxlength(2)", ["ab"], ["abc"]),
        ("required", ["x"], []),
        (
            "regex(^(a|b)-[[0-9]]{{2}}$)".replace("[[", "[").replace("]]", "]"),
            ["a-12", "B-12"],
            ["c-12", "a-123"],
        ),
        ("int:range(1,5)", ["3"], ["6", "x"]),
    ],
)
def test_a_constraint_accepts_its_values(constraint: str, good: list[str], bad: list[str]) -> None:
    """Each inline constraint accepts its own values; any other is no match."""
    template = RouteTemplate("x/{value:" + constraint + "}")
    assert [template.match("/x/" + value) for value in good] == [{"value": value} for value in good]
    assert [template.match("/x/" + value) for value in bad] == [None] * len(bad)


@pytest.mark.parametrize(
    "template",
    [
        "a/{id",
        "a/id}",
        "a/{}",
        "a/{id:nothing}",
        "a/{id:min}",
        "a/{id:range(1)}",
        "a/{id:regex(()}",
        "{*all}/x",
        "a//b",
    ],
)
def test_a_malformed_template_is_rejected(template: str) -> None:
    """Such an app does not start."""
    with pytest.raises(AppLoadError):
        RouteTemplate(template)


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: "/" not in text and text not in {".", ".."}))
def test_any_value_survives_the_path(value: str) -> None:
    """The function gets the value that a client encoded into a segment."""
    path = "/x/" + quote(value.encode("utf-8", "surrogatepass").decode("utf-8", "replace"), safe="")
    expected = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert RouteTemplate("x/{id}").match(normal_path(path)) == {"id": expected}


def test_the_first_definition_that_matches_gets_the_request() -> None:
    """Order decides between two matching templates; methods distinguish equal templates."""
    functions = [
        a_function(print, HttpTrigger("runs/{id}", frozenset({"GET"}), "anonymous"), name="get"),
        a_function(print, HttpTrigger("runs/latest", frozenset({"GET"}), "anonymous"), name="shadowed"),
        a_function(print, HttpTrigger("/runs/{id}", frozenset({"POST"}), "anonymous"), name="post"),
        a_function(print, HttpTrigger("any", None, "anonymous"), name="any"),
        a_function(print, name="queue"),
    ]

    def routes(prefix: str) -> list[Route]:
        return [
            route(each, each.trigger, prefix) for each in functions if isinstance(each.trigger, HttpTrigger)
        ]

    table = routes("api")

    def found(method: str, path: str) -> str | None:
        match = find(table, method, path)
        return match[0].function.name if match else None

    assert found("GET", "/api/runs/latest") == "get"
    assert found("post", "/api/runs/1") == "post"
    assert found("DELETE", "/api/runs/1") is None
    assert found("PATCH", "/api/any") == "any"
    assert find(routes(""), "GET", "/runs/1") is not None


@pytest.mark.parametrize(
    ("given", "function", "level"),
    [
        ("", "take", "anonymous"),
        ("host", "take", "function"),
        ("host", None, "function"),
        ("master", "take", "admin"),
        ("master", None, "admin"),
        ("wrong", "take", "anonymous"),
        ("gr\xfcn", "take", "anonymous"),
        ("HOST", "take", "anonymous"),
        (Keys("host", "master").of("take"), "take", "function"),
        (Keys("host", "master").of("take"), "TAKE", "function"),
        (Keys("host", "master").of("take"), "start", "anonymous"),
        (Keys("host", "master").of("take"), None, "anonymous"),
        (Keys("host", "other").of("take"), "take", "anonymous"),
    ],
)
def test_a_key_has_its_level(given: str, function: str | None, level: str) -> None:
    """The host key allows every function, a function's own key that function alone, the master key everything."""
    assert Keys("host", "master").level(given, function) == level


def test_a_key_that_was_accepted_is_accepted_in_any_case() -> None:
    """It is compared exactly at first; afterwards the platform caches it without regard to case."""
    keys = Keys("Host", "Master")
    assert keys.level("HOST", "take") == "anonymous"
    assert keys.level("Host", "take") == "function"
    assert keys.level("HOST", "take") == "function"
    assert keys.level("HOST", "other") == "anonymous"


@pytest.mark.parametrize(
    ("required", "given_levels"),
    [
        ("anonymous", ["anonymous", "function", "admin"]),
        ("function", ["function", "admin"]),
        ("admin", ["admin"]),
    ],
)
def test_a_level_accepts_its_keys(required: AuthLevel, given_levels: list[str]) -> None:
    """The master key is accepted everywhere, the host key for level function."""
    levels: list[AuthLevel] = ["anonymous", "function", "admin"]
    assert [level for level in levels if Keys.suffices(level, required)] == given_levels

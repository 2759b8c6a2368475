"""Pagination rules of the REST connector, without a network."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.connectors.rest.pagination import Page, PageRequest, Pagination
from adf_trigger.emulator.contract.activity import ActivityFailed

URL = "https://api.example.com/v1/items?limit=2"
Respond = Callable[[PageRequest], tuple[Any, dict[str, str]]]


def walk(
    rules: dict[str, Any],
    respond: Respond,
    *,
    url: str = URL,
    headers: dict[str, str] | None = None,
    most: int = 50,
) -> list[PageRequest]:
    """All requests that result from the rules; fails if they never end."""
    pagination = Pagination(rules, url, headers or {})
    request: PageRequest | None = pagination.first()
    made = []
    while request is not None:
        made.append(request)
        assert len(made) <= most, "the rules never end"
        body, response_headers = respond(request)
        answered = httpx.Response(200, headers=response_headers)
        link = answered.links.get("next", {}).get("url")
        request = pagination.after(Page(request.url, answered.headers, body, link))
    return made


def urls(rules: dict[str, Any], respond: Respond, **options: Any) -> list[str]:
    """URLs of all requests."""
    return [request.url for request in walk(rules, respond, **options)]


def pages(*bodies: Any) -> Respond:
    """A reply for each body in turn."""
    remaining = iter(bodies)
    return lambda _: (next(remaining), {})


def replies(*pairs: tuple[Any, dict[str, str]]) -> Respond:
    """A reply for each body with its headers in turn."""
    remaining = iter(pairs)
    return lambda _: next(remaining)


def always(body: Any) -> Respond:
    """The same body for every request."""
    return lambda _: (body, {})


def test_without_rules_there_is_one_request() -> None:
    """No rule and no Link header: one page."""
    assert urls({}, always({"next": "/x"})) == [URL]


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("https://other.example.com/p2", "https://other.example.com/p2"),
        ("/v1/items?after=2", "https://api.example.com/v1/items?after=2"),
        ("?after=2", "https://api.example.com/v1/items?after=2"),
    ],
)
def test_the_body_has_the_next_url(given_url: str, expected: str) -> None:
    """AbsoluteUrl takes an absolute or a relative URL from the body, until it is null."""
    respond = pages({"paging": {"next": given_url}}, {"paging": {"next": None}})
    assert urls({"AbsoluteUrl": "$.paging.next"}, respond) == [URL, expected]


@pytest.mark.parametrize("last", [{}, {"paging": {}}, {"paging": {"next": None}}, {"paging": {"next": ""}}])
def test_a_path_without_a_value_ends_it(last: Any) -> None:
    """A JSONPath to null, or to no value, is the end."""
    respond = pages({"paging": {"next": "/p2"}}, last)
    assert len(urls({"AbsoluteUrl": "$.paging.next"}, respond)) == 2


def test_a_header_has_the_next_url() -> None:
    """Response headers are found in any case, dotted or bracketed."""
    for value in ("Headers.Next-Page", "Headers['next-page']"):
        respond = replies(({}, {"NEXT-PAGE": "/p2"}), ({}, {}))
        assert urls({"AbsoluteUrl": value}, respond) == [URL, "https://api.example.com/p2"]


@pytest.mark.parametrize("key", ["QueryParameters.after", "QueryParameters['after']"])
def test_the_body_sets_a_query_parameter(key: str) -> None:
    """A query parameter is set on the URL, once, with all others kept and its value encoded."""
    respond = pages({"cursor": "a b&c"}, {"cursor": 7}, {"cursor": None})
    assert urls({key: "$.cursor"}, respond) == [URL, f"{URL}&after=a%20b%26c", f"{URL}&after=7"]


@pytest.mark.parametrize("key", ["Headers.X-After", "Headers['X-After']"])
def test_the_body_sets_a_request_header(key: str) -> None:
    """A request header replaces one of the same name."""
    respond = pages({"cursor": "c1"}, {"cursor": True}, {"cursor": None})
    made = walk({key: "$.cursor"}, respond, headers={"x-after": "first", "Other": "o"})
    assert [request.headers.get("X-After", request.headers.get("x-after")) for request in made] == [
        "first",
        "c1",
        "true",
    ]
    assert all(request.headers["Other"] == "o" for request in made)


@pytest.mark.parametrize("key", ["QueryParameters.{offset}", "AbsoluteUrl.{offset}"])
def test_a_range_fills_a_placeholder(key: str) -> None:
    """The article's example 1: sysparm_offset runs from 0 to 10000, the end included."""
    made = urls({key: "RANGE:0:10000:1000"}, always({}), url="https://x/incident?sysparm_offset={offset}&n=1")
    assert made == [f"https://x/incident?sysparm_offset={offset}&n=1" for offset in range(0, 10001, 1000)]


def test_a_range_fills_a_path_and_a_header() -> None:
    """The article's examples 2 and 3: placeholders in the path, and in headers."""
    made = urls({"AbsoluteUrl.{id}": "RANGE:1:3:1"}, always({}), url="https://x/table/t{id}")
    assert made == ["https://x/table/t1", "https://x/table/t2", "https://x/table/t3"]
    requests = walk({"Headers.{id}": "RANGE:0:20:10"}, always({}), headers={"id": "{id}"})
    assert [request.headers["id"] for request in requests] == ["0", "10", "20"]


@settings(deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-7, 7).filter(bool))
def test_a_range_counts_as_python_does(start: int, end: int, step: int) -> None:
    """A range is the first value, followed by those of range() up to and including the end."""
    made = urls({"QueryParameters.{n}": f"RANGE:{start}:{end}:{step}"}, always({}), url="https://x/{n}")
    counted = list(range(start, end + (1 if step > 0 else -1), step)) or [start]
    assert made == [f"https://x/{number}" for number in counted]


@pytest.mark.parametrize(
    ("condition", "wanted", "others", "last"),
    [
        ("$.Data", "Empty", {"Data": [1]}, {"Data": []}),
        ("$.Data", "Empty", {"Data": [1]}, {"Data": None}),
        ("$.Data", "Empty", {"Data": 0}, {}),
        ("$.Data", "NonExist", {"Data": []}, {}),
        ("$.Complete", "Exist", {"Data": [1]}, {"Complete": None}),
        ("$.Complete", "Const:true", {"Complete": False}, {"Complete": True}),
        ("$.left", "Const:0", {"left": 10}, {"left": 0}),
        ("$.state", "Const:Done", {"state": "done"}, {"state": "Done"}),
    ],
)
def test_an_open_range_ends_by_a_condition_on_the_body(
    condition: str, wanted: str, others: Any, last: Any
) -> None:
    """The article's examples 4.1 to 4.4: the page for which the condition holds is the last."""
    rules = {"AbsoluteUrl.{offset}": "RANGE:0::1000", f"EndCondition:{condition}": wanted}
    respond = pages(others, others, last, others)
    assert len(urls(rules, respond, url="https://x/?o={offset}")) == 3


@pytest.mark.parametrize(
    ("condition", "wanted", "last"),
    [
        ("headers.Complete", "Const:1", {"complete": "1"}),
        ("headers.CompleteTime", "Exist", {"CompleteTime": "20220920"}),
        ("Headers['CompleteTime']", "Exist", {"CompleteTime": "20220920"}),
    ],
)
def test_an_open_range_ends_by_a_condition_on_a_header(
    condition: str, wanted: str, last: dict[str, str]
) -> None:
    """The article's examples 4.5 and 4.6."""
    rules = {"AbsoluteUrl.{offset}": "RANGE:0::1000", f"EndCondition:{condition}": wanted}
    respond = replies(({}, {"Complete": "0"}), ({}, last), ({}, {}))
    assert len(urls(rules, respond, url="https://x/?o={offset}")) == 2


def test_an_end_condition_stops_a_repeated_url() -> None:
    """The article's example 5: the last page names itself as the next, but its data are empty."""
    rules = {"AbsoluteUrl": "$.next", "EndCondition:$.data": "Empty"}
    respond = pages({"data": [1], "next": "/p2"}, {"data": [], "next": "/p2"})
    assert len(urls(rules, respond)) == 2


@pytest.mark.parametrize("limit", ["3", 3])
def test_the_number_of_requests_is_limited(limit: Any) -> None:
    """MaxRequestNumber counts all requests, including the first; empty means no limit."""
    rules = {"AbsoluteUrl": "$.next", "MaxRequestNumber": limit}
    assert len(urls(rules, always({"next": "/again"}))) == 3
    with pytest.raises(AssertionError, match="never end"):
        urls({"AbsoluteUrl": "$.next", "MaxRequestNumber": ""}, always({"next": "/again"}))


def links(rules: dict[str, Any]) -> int:
    """The number of pages requested from a service with two links."""
    return len(urls(rules, replies(({}, {"Link": '</p2>; rel="next", </p9>; rel="last"'}), ({}, {}))))


def test_links_are_followed_by_default() -> None:
    """RFC 5988 links with rel=next are followed without a rule, or where a rule says so; otherwise not."""
    assert links({}) == 2
    assert links({"supportRFC5988": "true"}) == 2
    assert links({"supportRFC5988": "false"}) == 1
    assert links({"supportRFC5988": False}) == 1
    assert links({"AbsoluteUrl": "$.none"}) == 1


def test_no_content_ends_it() -> None:
    """A page without a body is the end, whatever values of a range are left."""
    respond = pages({}, None, {})
    assert len(urls({"QueryParameters.{n}": "RANGE:0::1"}, respond, url="https://x/{n}")) == 2


def test_several_rules_apply_together() -> None:
    """URL, query parameter and header of the next request can come from one response."""
    rules = {"Headers.X-Token": "$.token", "QueryParameters.c": "$.cursor", "AbsoluteUrl": "$.next"}
    made = walk(rules, pages({"next": "/p2?a=1", "cursor": 2, "token": "t"}, {}))
    assert made[1] == PageRequest("https://api.example.com/p2?a=1&c=2", {"X-Token": "t"})


@pytest.mark.parametrize(
    "rules",
    [
        {"absoluteurl": "$.next"},
        {"AbsoluteUrl.page": "$.next"},
        {"QueryParameters": "$.next"},
        {"Headers": "$.next"},
        {"QueryParameters.a": "next"},
        {"QueryParameters.a": "RANGE:0:1:0"},
        {"QueryParameters.{a}": "$.next"},
        {"EndCondition:data": "Empty"},
        {"EndCondition:$.data": "Full"},
        {"MaxRequestNumber": "many"},
        {"MaxRequestNumber": "0"},
        {"Unheard": "$.next"},
    ],
)
def test_invalid_rules_are_rejected(rules: dict[str, Any]) -> None:
    """Keys are case-sensitive; keys and values that the article does not know fail the copy."""
    with pytest.raises(ActivityFailed, match="UserErrorInvalidCopySettings"):
        Pagination(rules, URL, {})


@pytest.mark.parametrize("found", [{"next": {"url": "/p2"}}, {"next": ["/p2"]}])
def test_a_value_must_be_primitive(found: Any) -> None:
    """An object or an array is no value of a next request."""
    with pytest.raises(ActivityFailed, match="UserErrorInvalidPaginationValue"):
        urls({"AbsoluteUrl": "$.next"}, always(found))
    with pytest.raises(ActivityFailed, match="UserErrorInvalidPaginationValue"):
        urls({"QueryParameters.a": "$..id"}, always({"data": [{"id": 1}, {"id": 2}]}))


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
def test_every_page_is_requested_once_in_order(cursors: list[str]) -> None:
    """Whatever the cursors are, they are returned to the service unchanged."""
    answers = pages(*[{"c": cursor} for cursor in cursors], {"c": None})
    made = urls({"QueryParameters['next cursor']": "$.c"}, answers, url="https://x/")
    sent = [httpx.URL(url).params.get("next cursor") for url in made]
    assert sent == [None, *cursors]

"""Pagination rules: the request for the next page from a response. Pure: no I/O.

Keys, values and end conditions follow the REST connector's article.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.json_paths import matcher
from adf_trigger.emulator.connectors.common.settings import flag
from adf_trigger.emulator.connectors.rest.end_conditions import EndCondition, header_name

_KEY = re.compile(
    r"(?P<place>AbsoluteUrl|QueryParameters|Headers)"
    r"(?:\.\{(?P<variable>[^}]+)\}|\.(?P<bare>.+)|\['(?P<quoted>.+)'\])?"
)
_RANGE = re.compile(r"RANGE:(?P<start>-?\d+):(?P<end>-?\d*):(?P<step>-?\d+)")


@dataclass(frozen=True, slots=True)
class Page:
    """A page, as seen by the rules.

    Attributes:
        url: of the request.
        headers: of the response; names in any case.
        body: parsed; None if there is none.
        next_link: target of the Link header with rel=next (RFC 5988), if there is one.
    """

    url: str
    headers: Mapping[str, str]
    body: Any
    next_link: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The request for a page."""

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule: a place in the request, and a function for its value."""

    place: str
    name: str
    is_variable: bool
    value: Callable[[Page], str | None]


@dataclass(slots=True)
class _Range:
    """`RANGE:start:end:step`; the end is inclusive and optional."""

    current: int
    end: int | None
    step: int

    def advance(self) -> str | None:
        self.current += self.step
        if self.end is not None and (self.current - self.end) * (1 if self.step > 0 else -1) > 0:
            return None
        return str(self.current)


@dataclass(slots=True)
class Pagination:
    """Iterates over the pages of one source. Stateful, for one iteration.

    Args:
        rules: paginationRules, evaluated.
        url: of the first page, with its placeholders.
        headers: of every request, with their placeholders.

    Raises:
        InvalidSettings: a key or a value is not one of the article's.
    """

    rules: Mapping[str, Any]
    url: str
    headers: dict[str, str]
    _rules: list[_Rule] = field(default_factory=list, init=False)
    _ends: list[EndCondition] = field(default_factory=list, init=False)
    _variables: dict[str, str] = field(default_factory=dict, init=False)
    _starts: list[tuple[_Rule, str]] = field(default_factory=list, init=False)
    _limit: int | None = field(default=None, init=False)
    _follows_links: bool = field(default=True, init=False)
    _requests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        # By default links are followed only if there are no rules.
        links = not self.rules
        for key, value in self.rules.items():
            if key.lower() == "supportrfc5988":
                links = flag({key: value}, key)
            elif key.lower() == "maxrequestnumber":
                self._limit = _limit(value)
            elif key.startswith("EndCondition:"):
                self._ends.append(EndCondition.read(key.removeprefix("EndCondition:"), str(value)))
            else:
                self._add(key, str(value))
        self._follows_links = links

    def _add(self, key: str, value: str) -> None:
        match = _KEY.fullmatch(key)
        if match is None or (match["place"] != "AbsoluteUrl" and match.lastgroup == "place"):
            raise InvalidSettings(f"The pagination rule '{key}' is not one of the REST connector's.")
        if match["place"] == "AbsoluteUrl" and (match["bare"] or match["quoted"]):
            raise InvalidSettings(f"The pagination rule '{key}' is not one of the REST connector's.")
        name = match["variable"] or match["bare"] or match["quoted"] or ""
        ranged = _RANGE.fullmatch(value)
        if ranged is not None:
            counter = _Range(
                int(ranged["start"]), int(ranged["end"]) if ranged["end"] else None, int(ranged["step"])
            )
            if not counter.step:
                raise InvalidSettings(f"The step of '{value}' must not be 0.")
            rule = _Rule(match["place"], name, bool(match["variable"]), lambda _: counter.advance())
            self._starts.append((rule, ranged["start"]))
        elif match["variable"]:
            raise InvalidSettings(f"The pagination rule '{key}' needs a RANGE, not '{value}'.")
        else:
            rule = _Rule(match["place"], name, False, _value_source(value))
        self._rules.append(rule)

    def first(self) -> PageRequest:
        """The request for the first page."""
        for rule, start in self._starts:
            self._apply(rule, start, self.url)
        return self._request()

    def after(self, page: Page) -> PageRequest | None:
        """The request for the page after this one; None if this was the last.

        Raises:
            DataFailure: a JSONPath returns several values, or one that is not a string, number or boolean.
        """
        if page.body is None or any(end.holds(page.headers, page.body) for end in self._ends):
            return None
        if self._limit is not None and self._requests >= self._limit:
            return None
        values = [(rule, rule.value(page)) for rule in self._rules]
        link = page.next_link if self._follows_links else None
        if any(value is None for _, value in values) or not (values or link):
            return None
        if link:
            self.url = urljoin(page.url, link)
        # The URL first, since other rules modify it.
        for rule, value in sorted(values, key=lambda pair: pair[0].place != "AbsoluteUrl"):
            self._apply(rule, value or "", page.url)
        return self._request()

    def _apply(self, rule: _Rule, value: str, base: str) -> None:
        if rule.is_variable:
            self._variables[rule.name] = value
        elif rule.place == "AbsoluteUrl":
            self.url = urljoin(base, value)
        elif rule.place == "QueryParameters":
            self.url = with_query_parameter(self.url, rule.name, value)
        else:
            self.headers = {
                name: text for name, text in self.headers.items() if name.lower() != rule.name.lower()
            }
            self.headers[rule.name] = value

    def _request(self) -> PageRequest:
        self._requests += 1
        headers = {name: self._filled(text, _as_is) for name, text in self.headers.items()}
        return PageRequest(self._filled(self.url, quote), headers)

    def _filled(self, text: str, written: Callable[[str], str]) -> str:
        for name, value in self._variables.items():
            text = text.replace(f"{{{name}}}", written(value))
        return text


def _as_is(value: str) -> str:
    return value


def with_query_parameter(url: str, name: str, value: str) -> str:
    """A URL with one query parameter set and all others unchanged."""
    parts = urlsplit(url)
    pairs = [pair for pair in parts.query.split("&") if pair and _name_of(pair) != name]
    pairs.append(urlencode({name: value}, quote_via=quote))
    return urlunsplit(parts._replace(query="&".join(pairs)))


def _name_of(pair: str) -> str:
    parsed = parse_qsl(pair, keep_blank_values=True)
    return parsed[0][0] if parsed else ""


def _limit(value: Any) -> int | None:
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InvalidSettings(f"MaxRequestNumber must be a positive integer, not '{value}'.")
    return int(text)


def _value_source(value: str) -> Callable[[Page], str | None]:
    if value.startswith("$"):
        find = matcher(value)
        return lambda page: _single(find(_one_object(page)), value)
    header = header_name(value)
    if header is None:
        raise InvalidSettings(
            f"The pagination value '{value}' is not a JSONPath, a response header or a RANGE."
        )
    return lambda page: page.headers.get(header) or None


def _one_object(page: Page) -> Any:
    """The page's body, which must be a single object for a JSONPath."""
    if isinstance(page.body, list) and len(page.body) > 1:
        raise DataFailure(
            "RestMoreThanOneObjectsReturned",
            "The response has more than one JSON object, and a pagination rule with a JSONPath needs it to have one.\n"
            f"Request URL: {page.url}.",
            side="Source",
        )
    return page.body


def _single(found: list[Any], path: str) -> str | None:
    if len(found) > 1 or (found and isinstance(found[0], dict | list)):
        raise DataFailure(
            "UserErrorInvalidPaginationValue",
            f"The pagination rule '{path}' must return a single primitive value.",
            side="Source",
        )
    if not found or found[0] is None or found[0] == "":
        return None
    return str(found[0]).lower() if isinstance(found[0], bool) else str(found[0])

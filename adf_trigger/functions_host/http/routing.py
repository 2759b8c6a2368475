"""Route templates as the platform's router reads them, and the function that a request matches.

The router is ASP.NET Core's: case-insensitive literals, `{name}`, `{name?}`, `{name=default}`,
`{name:constraint}`, and a last `{*rest}` that takes all remaining segments. The first function, in the order of
definition, whose template and methods match gets the request; a wrong method is no match.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from adf_trigger.functions_host.common.errors import AppLoadError
from adf_trigger.functions_host.http.constraints import Constraint, constraint
from adf_trigger.functions_host.worker.index import HttpTrigger, IndexedFunction

_PARAMETER = re.compile(r"(\*{0,2})(\w+)((?::\w+(?:\((?:[^()]|\([^()]*\))*\))?)*)(?:=([^}]*))?(\?)?")
_CONSTRAINT = re.compile(r":(\w+(?:\((?:[^()]|\([^()]*\))*\))?)")


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    constraints: tuple[Constraint, ...]
    catch_all: bool
    optional: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class _Segment:
    """One segment of a template: a pattern whose groups are the values of its parameters, in order."""

    pattern: re.Pattern[str]
    parameters: tuple[_Parameter, ...]

    @property
    def catch_all(self) -> bool:
        return any(parameter.catch_all for parameter in self.parameters)

    def without_value(self) -> dict[str, str] | None:
        """The values if the path ends before this segment; None if it must not."""
        if len(self.parameters) != 1:
            return None
        (parameter,) = self.parameters
        if parameter.default is not None:
            return {parameter.name: parameter.default}
        return {} if parameter.optional or parameter.catch_all else None


class RouteTemplate:
    """A compiled template.

    Args:
        text: the template, prefix included.

    Raises:
        AppLoadError: it is not well formed.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip("/")
        self._segments = [_segment(part, text) for part in _split(self.text)]
        if any(segment.catch_all for segment in self._segments[:-1]):
            raise AppLoadError(f"The route {text!r} has a catch-all parameter that is not its last")

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values if a path matches, else None.

        Args:
            path: decoded except for an encoded slash, which does not separate segments (see `normal_path`).
        """
        parts = path.removeprefix("/").removesuffix("/").split("/")
        if parts == [""]:
            parts = []
        values: dict[str, str] = {}
        for index, segment in enumerate(self._segments):
            if index >= len(parts):
                found = segment.without_value()
            elif segment.catch_all:
                found = _values(segment, "/".join(parts[index:]))
            else:
                found = _values(segment, parts[index])
            if found is None:
                return None
            values |= found
        if len(parts) > len(self._segments) and not (self._segments and self._segments[-1].catch_all):
            return None
        return values


@dataclass(frozen=True, slots=True)
class Route:
    """A function and its route template."""

    template: RouteTemplate
    function: IndexedFunction
    trigger: HttpTrigger


def route(function: IndexedFunction, trigger: HttpTrigger, prefix: str) -> Route:
    """The route of a function with an HTTP trigger, under host.json's routePrefix.

    Raises:
        AppLoadError: its template is not well formed.
    """
    return Route(RouteTemplate(f"{prefix}/{trigger.route.lstrip('/')}"), function, trigger)


def find(table: Iterable[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The first route that matches a request, with the values of its parameters."""
    for route in table:
        if route.trigger.methods is not None and method.upper() not in route.trigger.methods:
            continue
        if (values := route.template.match(path)) is not None:
            return route, values
    return None


def _values(segment: _Segment, text: str) -> dict[str, str] | None:
    match = segment.pattern.fullmatch(text)
    if match is None:
        return None
    values: dict[str, str] = {}
    for parameter, value in zip(segment.parameters, match.groups(), strict=True):
        if not all(holds(value) for holds in parameter.constraints):
            return None
        values[parameter.name] = value
    return values


def _split(template: str) -> list[str]:
    """The segments of a template; a slash within braces (in a regular expression) does not separate them."""
    segments, depth, start = [], 0, 0
    for index, char in enumerate(template):
        depth += (char == "{") - (char == "}")
        if char == "/" and depth == 0:
            segments.append(template[start:index])
            start = index + 1
    if template:
        segments.append(template[start:])
    return segments


def _segment(text: str, template: str) -> _Segment:
    pattern, parameters, position = "", [], 0
    while position < len(text):
        opening = text.find("{", position)
        literal = text[position:] if opening < 0 else text[position:opening]
        if "}" in literal:
            raise AppLoadError(f"The route {template!r} has a brace that was never opened")
        pattern += re.escape(literal)
        if opening < 0:
            break
        position = _closing(text, opening) + 1
        parameter = _parameter(text[opening + 1 : position - 1], template)
        parameters.append(parameter)
        pattern += "(.*)" if parameter.catch_all else "(.+)"
    if not text:
        raise AppLoadError(f"The route {template!r} has an empty segment")
    return _Segment(re.compile(pattern, re.IGNORECASE | re.DOTALL), tuple(parameters))


def _closing(text: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return index
    raise AppLoadError(f"The route segment {text!r} has a brace that is not closed")


def _parameter(text: str, template: str) -> _Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise AppLoadError(f"The route {template!r} has a parameter {{{text}}} that is not well formed")
    stars, name, constraints, default, optional = match.groups()
    return _Parameter(
        name=name,
        constraints=tuple(constraint(item) for item in _CONSTRAINT.findall(constraints)),
        catch_all=bool(stars),
        optional=bool(optional),
        default=default,
    )

"""Decodes path, query and headers of HTTP requests: every fault is named."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from urllib.parse import parse_qsl, quote

import azure.functions as func

from adf_trigger.contracts import MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.request_ids import REQUEST_ID_FORM, from_path, is_request_id

KEY_HEADER = "Idempotency-Key"
TRACE_HEADER = "traceparent"
KEY_REQUIRED = (
    "is required here (ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY): name the request, and use the same name on every retry, "
    "so that it is started once"
)
PLATFORM_PARAMETERS = frozenset({"code", "clientid"})
"""Query parameters of the platform, in any letter case, that may hold a function key."""
PRINCIPAL_HEADER = "x-ms-client-principal-name"
"""Names the caller if App Service authentication is on; otherwise any caller may set it."""
MAX_PRINCIPAL = 256
_MAX_NAMES = 20

_QUOTED = re.compile(r'"(?P<key>(?:[^"\\]|\\["\\])*)"')
"""A String of RFC 9651."""
_ESCAPE = re.compile(r'\\(["\\])')
_TO_ESCAPE = re.compile(r'(["\\])')
_HALF_QUOTED = (
    "begins with a quote but is not a quoted string, in which a backslash precedes each quote and backslash"
)


def pipeline_name(name: str | None) -> str:
    """The pipeline of a path.

    Raises:
        InvalidRequest: it is not a valid pipeline name.
    """
    if name and len(name) <= MAX_PIPELINE_NAME and re.fullmatch(PIPELINE_NAME_PATTERN, name):
        return name
    raise InvalidRequest([Fault("pipeline", "is not a valid pipeline name")])


def idempotency_key(header: str | None) -> str | None:
    """The key of an Idempotency-Key header, in the quotes of the IETF draft or bare; None without a header.

    Raises:
        InvalidRequest: it is not a valid key.
    """
    if header is None:
        return None
    text = header.strip()
    quoted = _QUOTED.fullmatch(text)
    if text.startswith('"') and quoted is None:
        raise InvalidRequest([Fault(KEY_HEADER, _HALF_QUOTED)])
    key = _ESCAPE.sub(r"\1", quoted["key"]) if quoted else text
    if is_request_id(key):
        return key
    raise InvalidRequest([Fault(KEY_HEADER, REQUEST_ID_FORM)])


def key_header(request_id: str) -> dict[str, str]:
    """The header that repeats the key of a request; empty if a header cannot hold it.

    The platform replaces a response with a non-ASCII header by 500.
    """
    if not request_id.isascii():
        return {}
    return {KEY_HEADER: '"' + _TO_ESCAPE.sub(r"\\\1", request_id) + '"'}


def id_of(req: func.HttpRequest) -> str:
    """The id of a run that the path names."""
    return from_path(req.route_params["id"])


def path_of(req: func.HttpRequest) -> str:
    """The path of a request, without the query, which may hold a key."""
    return quote(target_of(req)[0], safe="/%:@~", errors="replace")


def parameters_of(req: func.HttpRequest) -> dict[str, str]:
    """The query's parameters except the platform's own, including those with an empty value.

    The host drops empty parameters from the parsed query, and keeps them in the URL.
    """
    given = dict(parse_qsl(target_of(req)[1], keep_blank_values=True))
    given |= dict(req.params)
    return {name: value for name, value in given.items() if name.lower() not in PLATFORM_PARAMETERS}


def target_of(req: func.HttpRequest) -> tuple[str, str]:
    """Path and query of the URL. Its host is chosen by the caller, and may be invalid."""
    target = "/" + req.url.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return path, query.partition("#")[0]


def unknown_parameters(given: Collection[str], known: Collection[str]) -> list[Fault]:
    """A fault for each query parameter that this call does not have: a typo must not be ignored."""
    there_are = f"this call has {', '.join(sorted(known))}" if known else "this call has none"
    return [
        Fault(name[:64], f"unknown query parameter; {_meant(name, known)}{there_are}")
        for name in sorted(given)[:_MAX_NAMES]
        if name not in known
    ]


def _meant(name: str, known: Collection[str]) -> str:
    by_case = {each.lower(): each for each in known}
    nearest = get_close_matches(name[:64].lower(), by_case, n=1)
    return f"is {by_case[nearest[0]]} meant? " if nearest else ""


def boolean_of(parameters: dict[str, str], name: str) -> tuple[bool, list[Fault]]:
    """Decode a boolean query parameter, by default false; or return its fault."""
    text = parameters.get(name)
    if text in {"true", "false"}:
        return text == "true", []
    return False, [] if text is None else [Fault(name, "must be true or false")]


def body_was_dropped(req: func.HttpRequest, body: bytes) -> bool:
    """Whether the request had a body that the platform has dropped.

    The Functions host forwards a body only with a Content-Length: a chunked one arrives empty.
    """
    return not body and "transfer-encoding" in req.headers


def principal_of(req: func.HttpRequest, *, authenticated: bool) -> str | None:
    """The name of an authenticated caller, at most 256 characters; None without authentication.

    Args:
        req: the request.
        authenticated: whether App Service authentication is on: only it prevents callers from setting the header.
    """
    if not authenticated:
        return None
    return (req.headers.get(PRINCIPAL_HEADER) or "")[:MAX_PRINCIPAL] or None

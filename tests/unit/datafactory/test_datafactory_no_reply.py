"""Exceptions of the HTTP library become errors of the tree: not sent, or no clear reply."""

import inspect
from typing import Any

import pytest
import requests
import urllib3

from adf_trigger.azure.connections import Stage
from adf_trigger.datafactory.calls import Effect
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.failures import no_reply
from adf_trigger.errors import (
    NotSent,
    Unavailable,
    UnknownOutcome,
)
from tests.unit.datafactory.effects import EVERY, RUN_ID, call_of
from tests.unit.datafactory.service import (
    Service,
)


def library_exceptions(module: Any, root: type[Exception]) -> list[type[Exception]]:
    """All exception classes of a library, its warnings left out."""
    found = [each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, root)]
    return [each for each in found if not issubclass(each, Warning)]


NEVER_LEFT = {
    "ConnectTimeout",
    "InvalidHeader",
    "InvalidJSONError",
    "InvalidProxyURL",
    "InvalidSchema",
    "InvalidURL",
    "JSONDecodeError",
    "MissingSchema",
    "URLRequired",
}
MAY_HAVE_LEFT = {
    "ChunkedEncodingError",
    "ConnectionError",
    "ContentDecodingError",
    "HTTPError",
    "ProxyError",
    "ReadTimeout",
    "RequestException",
    "RetryError",
    "SSLError",
    "StreamConsumedError",
    "Timeout",
    "TooManyRedirects",
    "UnrewindableBodyError",
}


def test_every_exception_of_requests_is_classified() -> None:
    """A class added by a new version of requests fails here until it has been classified."""
    names = {each.__name__ for each in library_exceptions(requests.exceptions, requests.RequestException)}
    assert names - {"CompatJSONDecodeError"} == NEVER_LEFT | MAY_HAVE_LEFT


def made(kind: type[Exception]) -> Exception:
    """An instance, whatever its constructor requires."""
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", library_exceptions(requests.exceptions, requests.RequestException))
@pytest.mark.parametrize("effect", Effect)
def test_without_notes_of_the_connection_the_class_decides(kind: type[Exception], effect: Effect) -> None:
    """Only an exception before any write counts as not sent; in doubt the request may have been sent."""
    error = no_reply(call_of(effect), "host", made(kind), Stage.NOT_BEGUN)
    unclear = Unavailable if effect is Effect.NONE else UnknownOutcome
    assert type(error) is (NotSent if kind.__name__ in NEVER_LEFT else unclear)


@pytest.mark.parametrize("effect", Effect)
def test_the_notes_of_the_connection_take_precedence(effect: Effect) -> None:
    """The same ConnectionError is NotSent while connecting and no clear reply once bytes were written."""
    exc = requests.ConnectionError()
    assert type(no_reply(call_of(effect), "host", exc, Stage.CONNECTING)) is NotSent
    after = no_reply(call_of(effect), "host", exc, Stage.SENT)
    assert type(after) is (Unavailable if effect is Effect.NONE else UnknownOutcome)
    assert after.client_request_id == str(RUN_ID)


@pytest.mark.parametrize(
    "exc",
    [
        *(made(each) for each in library_exceptions(requests.exceptions, requests.RequestException)),
        *(made(each) for each in library_exceptions(urllib3.exceptions, urllib3.exceptions.HTTPError)),
        OSError("Could not find a suitable TLS CA certificate bundle"),
    ],
    ids=lambda exc: type(exc).__module__ + "." + type(exc).__name__,
)
@pytest.mark.parametrize("name", ["read", "start", "put"])
def test_no_exception_of_the_http_library_escapes(
    client: DataFactoryClient, service: Service, name: str, exc: Exception
) -> None:
    """An exception of requests or urllib3 becomes an error of the tree, with itself as the cause."""
    service.answers(exc)
    with pytest.raises((NotSent, Unavailable, UnknownOutcome)) as caught:
        EVERY[name](client)
    assert caught.value.__cause__ is exc

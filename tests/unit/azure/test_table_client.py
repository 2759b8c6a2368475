"""Writes and reads of a table: how they are sent and how their replies are read."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from requests import PreparedRequest

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.azure.table_client import LeanTableClient, Operation

KEY = base64.b64encode(b"a made-up account key").decode()
BY_KEY = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"
URL = "https://acme.table.core.windows.net/$batch"
ROW = "https://acme.table.core.windows.net/adfruns(PartitionKey='p',RowKey='it%27%27s%7C1')"
KEYS = {"PartitionKey": "p", "RowKey": "it's|1"}
REPLACE: dict[str, Any] = {
    "mode": UpdateMode.REPLACE,
    "etag": 'W/"1"',
    "match_condition": MatchConditions.IfNotModified,
}
CREATE: Operation = ("create", {**KEYS, "text": "ä\r\n--x", "bytes": b"\x00\xff"}, {})
DELETE: Operation = ("delete", KEYS, {})
DONE = b"""--batchresponse_b\r
Content-Type: multipart/mixed; boundary=changesetresponse_c\r
\r
--changesetresponse_c\r
Content-Type: application/http\r
Content-Transfer-Encoding: binary\r
\r
HTTP/1.1 204 No Content\r
Preference-Applied: return-no-content\r
ETag: W/"datetime'2026-11-26T12%3A32%3A39.5308992Z'"\r
\r
\r
--changesetresponse_c\r
Content-Type: application/http\r
Content-Transfer-Encoding: binary\r
\r
HTTP/1.1 204 No Content\r
\r
\r
--changesetresponse_c--\r
--batchresponse_b--\r
"""
REFUSED = b"""--batchresponse_b\r
Content-Type: multipart/mixed; boundary=changesetresponse_c\r
\r
--changesetresponse_c\r
Content-Type: application/http\r
\r
HTTP/1.1 409 Conflict\r
Content-Type: application/json;odata=minimalmetadata;charset=utf-8\r
\r
{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"0:It exists: --x\\nTime:1"}}}\r
--changesetresponse_c--\r
--batchresponse_b--\r
"""


class Tenants:
    """Returns tokens, and records for which tenants."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def get_token(self, *_scopes: str, tenant_id: str | None = None, **_: object) -> AccessToken:
        """A token that names its tenant."""
        self.asked.append(tenant_id)
        return AccessToken(f"token-of-{tenant_id}", int(time.time()) + 3600)


@pytest.fixture
def client() -> LeanTableClient:
    """A client by key."""
    return StorageAccount(connection_string=BY_KEY).table("adfruns")


def answer(
    status: int = 202,
    body: bytes = DONE,
    kind: str = "multipart/mixed; boundary=batchresponse_b",
    **headers: str,
) -> None:
    """Let storage answer a transaction with this reply."""
    responses.post(
        URL,
        status=status,
        body=body,
        content_type=kind,
        headers={k.replace("_", "-"): v for k, v in headers.items()},
    )


def sent() -> PreparedRequest:
    """The last request."""
    request: PreparedRequest = responses.calls[-1].request
    return request


def _judge(
    tenant: str, done: tuple[int, dict[str, str], bytes]
) -> Callable[[PreparedRequest], tuple[int, dict[str, str], bytes]]:
    """Storage that accepts a token of one tenant alone, and challenges any other."""

    def judge(request: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        if request.headers["Authorization"] == f"Bearer token-of-{tenant}":
            return done
        uri = f"https://login.microsoftonline.com/{tenant}/oauth2/authorize"
        challenge = f"Bearer authorization_uri={uri} resource_id=https://storage.azure.com"
        return 401, {"WWW-Authenticate": challenge}, b""

    return judge


@responses.activate
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_result_of_each_operation_is_returned_in_order(client: LeanTableClient, quote: str) -> None:
    """An ETag where storage returns one, however it writes the boundary."""
    answer(kind=f"multipart/mixed; boundary={quote}batchresponse_b{quote}; charset=utf-8")
    assert client.submit_transaction([CREATE, DELETE]) == [
        {"etag": "W/\"datetime'2026-11-26T12%3A32%3A39.5308992Z'\""},
        {},
    ]


@responses.activate
def test_a_transaction_is_written_as_storage_documents_it(client: LeanTableClient) -> None:
    """Properties have their types, keys are quoted and escaped, and updates are conditional."""
    answer()
    replace: Operation = ("update", {**KEYS, "text": "t"}, REPLACE)
    client.submit_transaction([CREATE, replace, DELETE])
    text = (sent().body or b"").decode()  # type: ignore[union-attr]  # it is bytes
    table = "https://acme.table.core.windows.net/adfruns"
    for line in (
        f"POST {table} HTTP/1.1",
        '{"PartitionKey":"p","RowKey":"it\'s|1","text":"\\u00e4\\r\\n--x","bytes":"AP8=","bytes@odata.type":"Edm.Binary"}',
        f"PUT {ROW} HTTP/1.1",
        'If-Match: W/"1"',
        f"DELETE {ROW} HTTP/1.1",
        "If-Match: *",
    ):
        assert f"\r\n{line}\r\n" in text
    assert sent().headers["Authorization"].startswith("SharedKey acme:")


@responses.activate
def test_a_rejected_operation_is_raised_with_its_status_and_code(client: LeanTableClient) -> None:
    """The SDK raises the same, so that conflicts are interpreted in one place."""
    answer(body=REFUSED)
    with pytest.raises(TableTransactionError) as caught:
        client.submit_transaction([CREATE])
    assert (caught.value.status_code, getattr(caught.value, "error_code", None)) == (
        409,
        "EntityAlreadyExists",
    )


@responses.activate
@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"<html>blocked</html>", {}, None),
        (b"", {"x_ms_error_code": "AuthorizationFailure"}, "AuthorizationFailure"),
        (b'{"odata.error":{"code":"ServerBusy"}}', {}, "ServerBusy"),
        (b'{"odata.error":{"code":[]}}', {}, None),
        (
            b'<?xml version="1.0"?><m:error xmlns:m="x"><m:code>AuthenticationFailed</m:code></m:error>',
            {},
            "AuthenticationFailed",
        ),
    ],
)
def test_a_rejected_transaction_is_raised_with_its_status_and_code(
    client: LeanTableClient, body: bytes, headers: dict[str, str], code: str | None
) -> None:
    """Whichever part of storage rejected it, and in whatever form."""
    answer(403, body, "text/plain", **headers)
    with pytest.raises(HttpResponseError) as caught:
        client.submit_transaction([CREATE])
    assert (caught.value.status_code, getattr(caught.value, "error_code", None)) == (403, code)


@responses.activate
def test_a_truncated_reply_is_no_reply(client: LeanTableClient) -> None:
    """It is accepted neither as a result nor as a rejection: the transaction may have been committed."""
    for kept in range(len(DONE) - len("\r\n") - len("--")):
        responses.reset()
        answer(body=DONE[:kept])
        with pytest.raises(DecodeError) as caught:
            client.submit_transaction([CREATE, DELETE])
        assert caught.value.status_code == 202


@responses.activate
@pytest.mark.parametrize(
    "kind", ["text/html", "application/json", "multipart/mixed", "multipart/mixed; boundary=z"]
)
def test_a_reply_that_is_not_storages_is_no_reply(client: LeanTableClient, kind: str) -> None:
    """A page of a proxy acknowledges nothing."""
    answer(kind=kind)
    with pytest.raises(DecodeError):
        client.submit_transaction([CREATE])


@responses.activate
def test_a_broken_connection_is_no_reply(client: LeanTableClient) -> None:
    """It raises the SDK's error."""
    responses.post(URL, body=requests.ConnectionError("reset"))
    with pytest.raises(AzureError) as caught:
        client.submit_transaction([CREATE])
    assert not isinstance(caught.value, HttpResponseError)


@pytest.mark.parametrize(
    "conditions",
    [
        {"match_condition": MatchConditions.IfMissing},
        {"match_condition": MatchConditions.IfNotModified, "etag": None},
    ],
)
def test_an_impossible_condition_is_an_error(client: LeanTableClient, conditions: dict[str, Any]) -> None:
    """No unconditional request is sent in its place."""
    with pytest.raises(ValueError, match="unsupported condition"):
        client.submit_transaction([("delete", KEYS, conditions)])


@responses.activate
def test_a_row_is_replaced_by_one_request(client: LeanTableClient) -> None:
    """It is conditional, and returns the row's new ETag."""
    responses.put(ROW, status=204, headers={"ETag": 'W/"2"'})
    assert client.update_entity({**KEYS, "bytes": b"\x00\xff"}, **REPLACE)["etag"] == 'W/"2"'
    request = sent()
    assert request.headers["If-Match"] == 'W/"1"'
    assert request.headers["Authorization"].startswith("SharedKey acme:")
    assert request.body == (
        b'{"PartitionKey":"p","RowKey":"it\'s|1","bytes":"AP8=","bytes@odata.type":"Edm.Binary"}'
    )


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (412, b'{"odata.error":{"code":"UpdateConditionNotSatisfied"}}', "UpdateConditionNotSatisfied"),
        (404, b'{"odata.error":{"code":"TableNotFound"}}', "TableNotFound"),
        (403, b"<html>blocked</html>", None),
        (503, b"", None),
    ],
)
def test_a_rejected_replacement_is_raised_with_status_and_code(
    client: LeanTableClient, status: int, body: bytes, code: str | None
) -> None:
    """It is raised like a rejected transaction."""
    responses.put(ROW, status=status, body=body)
    with pytest.raises(HttpResponseError) as caught:
        client.update_entity(KEYS, **REPLACE)
    assert (caught.value.status_code, getattr(caught.value, "error_code", None)) == (status, code)


@responses.activate
def test_a_page_of_a_proxy_replaces_no_row(client: LeanTableClient) -> None:
    """Storage answers 204: behind any other reply the outcome is not known."""
    responses.put(ROW, status=200, body=b"<html>welcome</html>")
    with pytest.raises(DecodeError):
        client.update_entity(KEYS, **REPLACE)


@responses.activate
def test_a_challenged_update_is_answered_by_the_sdk() -> None:
    """A row of another tenant's account is replaced after the challenge."""
    tenant = "11111111-2222-4333-8444-555555555555"
    responses.add_callback("PUT", ROW, callback=_judge(tenant, (204, {"ETag": 'W/"2"'}, b"")))
    credential = Tenants()
    account = StorageAccount(table_endpoint="https://acme.table.core.windows.net", credential=credential)
    with account.table("adfruns") as client:
        assert client.update_entity(KEYS, **REPLACE)["etag"] == 'W/"2"'
    assert credential.asked == [None, None, tenant]


@responses.activate
def test_a_row_is_read_by_one_request(client: LeanTableClient) -> None:
    """Texts and bytes are returned as written, with the ETag, and without storage's own properties."""
    document = {
        "odata.metadata": "https://acme/$metadata#adfruns/@Element",
        "odata.etag": 'W/"1"',
        **KEYS,
        "Timestamp": "2026-11-26T12:00:00Z",
        "text": "\u00e4",
        "bytes@odata.type": "Edm.Binary",
        "bytes": "AP8=",
    }
    responses.get(ROW, json=document)
    row = client.get_entity(KEYS["PartitionKey"], KEYS["RowKey"])
    assert row == {**KEYS, "text": "\u00e4", "bytes": b"\x00\xff"}
    assert row.metadata["etag"] == 'W/"1"'
    assert sent().headers["Authorization"].startswith("SharedKey acme:")


@responses.activate
def test_a_row_of_other_types_is_read_by_the_sdk(client: LeanTableClient) -> None:
    """Numbers, times and other types are left to the SDK."""
    responses.get(ROW, json={"odata.etag": 'W/"1"', **KEYS, "n@odata.type": "Edm.Int64", "n": "5"})
    row = client.get_entity(KEYS["PartitionKey"], KEYS["RowKey"])
    assert row["n"].value == 5
    assert row.metadata["etag"] == 'W/"1"'


@responses.activate
@pytest.mark.parametrize("code", ["ResourceNotFound", "TableNotFound"])
def test_a_missing_row_or_table_is_raised_with_its_code(client: LeanTableClient, code: str) -> None:
    """A missing row is distinguished from a missing table."""
    responses.get(ROW, status=404, json={"odata.error": {"code": code}})
    with pytest.raises(ResourceNotFoundError) as caught:
        client.get_entity(KEYS["PartitionKey"], KEYS["RowKey"])
    assert (caught.value.status_code, getattr(caught.value, "error_code", None)) == (404, code)


@responses.activate
@pytest.mark.parametrize(
    "body", [b"<html>welcome</html>", b"[]", b"", b'{"value": 1}', b'{"odata.etag": "x", "a']
)
def test_an_invalid_reply_is_no_missing_row(client: LeanTableClient, body: bytes) -> None:
    """A page of a proxy, or half a reply, does not mean that the row is missing."""
    responses.get(ROW, body=body)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever json or we say
        client.get_entity(KEYS["PartitionKey"], KEYS["RowKey"])


@responses.activate
def test_a_token_is_sent_and_a_challenge_is_answered_by_the_sdk() -> None:
    """The account of another tenant is written to after the challenge."""
    tenant = "11111111-2222-4333-8444-555555555555"

    done = (202, {"Content-Type": "multipart/mixed; boundary=batchresponse_b"}, DONE)
    responses.add_callback("POST", URL, callback=_judge(tenant, done), content_type=None)
    credential = Tenants()
    account = StorageAccount(table_endpoint="https://acme.table.core.windows.net", credential=credential)
    with account.table("adfruns") as client:
        assert len(client.submit_transaction([CREATE, DELETE])) == 2
    assert credential.asked == [None, None, tenant]

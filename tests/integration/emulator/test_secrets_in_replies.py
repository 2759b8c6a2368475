"""Replies show none of the secrets in documents and runs."""

from typing import Any

import httpx
import pytest


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


def put(served: Any, path: str, properties: Any) -> httpx.Response:
    """PUT a document."""
    reply: httpx.Response = served.client.put(path, json={"properties": properties})
    return reply


class TestSecrets:
    """Secrets are accepted and never returned."""

    def test_secure_strings_are_masked_in_every_reply(self, served: Any, path: str) -> None:
        """PUT, GET and list show asterisks; the run still gets the value."""
        secret = {"type": "SecureString", "value": "s3cret"}
        properties = {
            "type": "RestService",
            "typeProperties": {
                "url": "https://x",
                "authenticationType": "Basic",
                "userName": "u",
                "password": secret,
                "authHeaders": {"key": secret},
            },
        }
        target = f"{path}/linkedservices/rest"
        texts = [
            put(served, target, properties).text,
            served.client.get(target).text,
            served.client.get(f"{path}/linkedservices").text,
        ]
        assert all("s3cret" not in text and '"**********"' in text for text in texts)
        kept = served.emulator.backend.store.definitions(path).linked_service("rest")
        assert kept is not None
        assert kept["typeProperties"]["password"]["value"] == "s3cret"

    def test_secure_parameters_are_masked_in_runs(self, served: Any, path: str) -> None:
        """A SecureString parameter's default and value are masked in the pipeline and in its runs."""
        parameter = {"type": "SecureString", "defaultValue": "s3cret"}
        definition = {"activities": [], "parameters": {"key": parameter, "other": {"type": "SecureString"}}}
        assert "s3cret" not in put(served, f"{path}/pipelines/p", definition).text
        started = served.client.post(f"{path}/pipelines/p/createRun", json={"other": "hidden"})
        run = served.wait_for(path, started.json()["runId"])
        assert run["parameters"] == {"key": "**********", "other": "**********"}

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            (
                "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5",
                "DefaultEndpointsProtocol=https;AccountName=acct;",
            ),
            (
                "AccountName=acct;AccountKey=a2V5==;EndpointSuffix=core.windows.net",
                "AccountName=acct;EndpointSuffix=core.windows.net",
            ),
            ("Server=tcp:x;User ID=u;Password=p;Encrypt=True", "Server=tcp:x;User ID=u;Encrypt=True"),
            ("BlobEndpoint=https://x;SharedAccessSignature=sv=1&sig=abc", "BlobEndpoint=https://x;"),
        ],
    )
    def test_keys_are_removed_from_connection_strings(
        self, served: Any, path: str, given: str, shown: str
    ) -> None:
        """A plain connection string is returned without its key, as in the quickstart's sample."""
        properties = {"type": "AzureBlobStorage", "typeProperties": {"connectionString": given}}
        reply = put(served, f"{path}/linkedservices/s", properties)
        assert reply.json()["properties"]["typeProperties"] == {"connectionString": shown}

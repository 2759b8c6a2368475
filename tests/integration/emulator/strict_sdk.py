"""The official SDK, with every reply checked against its models."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.paging import ItemPaged
from azure.core.polling import LROPoller
from azure.mgmt.datafactory import DataFactoryManagementClient, models

from tests.integration.emulator.calls import SDK_SUBSCRIPTION, WINDOW
from tests.support.sdk_contract import Contract, method_of, properties_of

AT = GROUP, FACTORY = "rg-sdk", "adf-contract"

BEYOND: dict[Any, dict[str, Any]] = {
    models.PipelineRun: {
        "id": str,  # recorded runs have it
        "debugRunId": str | None,  # recorded runs have it, null
        "annotations": list[Any],  # recorded runs have it
        "runDimension": dict[str, str],  # recorded runs spell runDimensions so
        "pipelineReturnValue": dict[str, Any],  # runs recorded in 2024 have it
    },
    models.ActivityRun: {
        "id": str,  # recorded activity runs have it
        "retryAttempt": int | None,  # the quickstart's sample output has this one and the others below
        "iterationHash": str,
        "userProperties": dict[str, Any],
        "recoveryStatus": str,
        "integrationRuntimeNames": list[str] | None,
        "executionDetails": dict[str, Any] | None,
    },
}

ALWAYS: dict[Any, set[str]] = {
    models.ProxyResource: {"id", "name", "type"},
    models.Factory: {"eTag", "location", "properties"},
    # Recorded runs, and the quickstart's, leave nothing out: a field without a value is null.
    models.PipelineRun: {*properties_of(models.PipelineRun), *BEYOND[models.PipelineRun]} - {"runDimensions"},
    models.ActivityRun: {*properties_of(models.ActivityRun), *BEYOND[models.ActivityRun]},
    models.TriggerRun: set(properties_of(models.TriggerRun)),
}

CONTRACT = Contract(BEYOND, ALWAYS)


class Credential:
    """A credential with a fixed token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3000)


class StrictSdk:
    """The SDK's client; every reply that it gets must fit the contract."""

    def __init__(self, served: Any, token: str) -> None:
        self._heard: list[tuple[int, Any]] = []
        self.driven: set[str] = set()
        self.client = DataFactoryManagementClient(
            Credential(token),
            SDK_SUBSCRIPTION,
            base_url=served.tls_url,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=str(served.ca_file),
            retry_total=0,
            raw_response_hook=self._record,
        )

    def _record(self, response: Any) -> None:
        content = response.http_response.read()
        self._heard.append((response.http_response.status_code, json.loads(content) if content else None))

    def replies(self, spec_id: str, *arguments: Any, **options: Any) -> list[Any]:
        """Call an operation, to the last page; returns the bodies of its replies, None where there was none."""
        self._heard.clear()
        method = method_of(self.client, spec_id)
        result = method(*arguments, **options)
        if isinstance(result, ItemPaged):
            list(result)
        if isinstance(result, LROPoller):
            result.result()
        self.driven.add(spec_id)
        assert self._heard
        assert [fault for heard in self._heard for fault in CONTRACT.faults_of_reply(method, *heard)] == []
        return [body for _, body in self._heard]

    def __call__(self, spec_id: str, *arguments: Any, **options: Any) -> Any:
        """Call an operation that answers with one reply; returns its body."""
        (body,) = self.replies(spec_id, *arguments, **options)
        return body

    def refusal(self, spec_id: str, *arguments: Any, **options: Any) -> tuple[int, str]:
        """Call an operation that is rejected; returns status and code."""
        self._heard.clear()
        with pytest.raises(HttpResponseError):
            method_of(self.client, spec_id)(*arguments, **options)
        ((status, body),) = self._heard
        assert list(CONTRACT.faults(body, models.CloudError, "refusal")) == []
        return status, body["error"]["code"]

    def run(self, pipeline: str, parameters: dict[str, Any] | None = None, **options: Any) -> str:
        """Start a run; returns its id."""
        run_id: str = self("Pipelines_CreateRun", *AT, pipeline, parameters, **options)["runId"]
        return run_id

    def pages(self, spec_id: str, *arguments: Any, query: Mapping[str, Any] = WINDOW) -> list[list[Any]]:
        """The rows of a query, page by page."""
        pages: list[list[Any]] = []
        more: dict[str, Any] = {}
        while more or not pages:
            body = self(spec_id, *AT, *arguments, {**query, **more})
            pages.append(body["value"])
            token = body.get("continuationToken")
            more = {"continuationToken": token} if token else {}
        return pages

    def rows(self, spec_id: str, *arguments: Any, query: Mapping[str, Any] = WINDOW) -> list[Any]:
        """The rows of a query of one page."""
        (page,) = self.pages(spec_id, *arguments, query=query)
        return page

"""URL and headers of REST requests, from the linked service, the dataset and the activity."""

from typing import Any

from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, required_text, text
from adf_trigger.emulator.contract.activity import ResolvedDataset

USER_AGENT = "azure-data-factory/2.0"
DEFAULT_TIMEOUT = 100.0
_DATASET = frozenset({"relativeUrl", "requestMethod", "requestBody", "additionalHeaders", "paginationRules"})


def base_url(dataset: ResolvedDataset) -> str:
    """`[url of the linked service]/[relativeUrl of the dataset]`.

    Raises:
        InvalidSettings: the linked service has no url.
    """
    forbid_unknown(dataset.properties, _DATASET, f"the dataset '{dataset.name}'")
    url = required_text(dataset.linked_service, "url", f"the linked service '{dataset.linked_service_name}'")
    relative = text(dataset.properties, "relativeUrl")
    if not relative:
        return url
    if relative.startswith("?"):
        return url + relative
    return f"{url.rstrip('/')}/{relative.lstrip('/')}"


def request_headers(additional: Any, *, json_body: bool) -> dict[str, str]:
    """additionalHeaders and the headers that the connector always sends; its own Accept takes precedence.

    Args:
        additional: an object of names and values, or lines of `name: value` as in older pipelines.
        json_body: whether to add a Content-Type of JSON if they have none.

    Raises:
        InvalidSettings: `additional` has another type.
    """
    headers = {
        name: value
        for name, value in _pairs(additional).items()
        if name.lower() not in {"accept", "user-agent"}
    }
    headers |= {"Accept": "application/json", "User-Agent": USER_AGENT}
    if json_body and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = "application/json"
    return headers


def _pairs(additional: Any) -> dict[str, str]:
    if additional is None or additional == "":
        return {}
    if isinstance(additional, str):
        lines = [line.partition(":") for line in additional.splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in lines}
    if not isinstance(additional, dict):
        raise InvalidSettings("The property 'additionalHeaders' must be an object of names and values.")
    return {name: str(value) for name, value in additional.items() if value is not None}

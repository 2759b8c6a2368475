"""The queues and the table that the app works on."""

from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from adf_trigger.settings import POISON_SUFFIX, Settings

_OPTIONS: dict[str, Any] = {"use_env_settings": False, "connection_timeout": 5, "read_timeout": 20}


def provide_storage(connection_string: str, settings: Settings) -> None:
    """Create the queues and the table, as the infrastructure does in Azure."""
    requests = settings.requests_queue
    with QueueServiceClient.from_connection_string(connection_string, **_OPTIONS) as queues:
        for name in (requests, requests + POISON_SUFFIX, settings.rejected_queue, settings.events_queue):
            try:
                queues.create_queue(name)
            except ResourceExistsError:
                continue
    with TableServiceClient.from_connection_string(connection_string, **_OPTIONS) as tables:
        tables.create_table_if_not_exists(settings.table)

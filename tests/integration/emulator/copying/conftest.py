"""Storage for the tests of copying."""

import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient

from tests.integration.emulator.copying.files import TREE
from tests.integration.emulator.copying.harness import Storage


@pytest.fixture
def storage(azurite: str) -> Iterator[Storage]:
    """A new, empty container on the real Azurite."""
    with BlobServiceClient.from_connection_string(azurite) as service:
        yield Storage(service.create_container(f"copying-{uuid.uuid4().hex}"), azurite)


@pytest.fixture
def tree(storage: Storage) -> Storage:
    """A few files in folders; the content of each is its name."""
    for name in TREE:
        storage.put(name, name.encode())
    return storage

"""Azure without Data Factory: clouds, resource ids, credentials, connections, storage accounts."""

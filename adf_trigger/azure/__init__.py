"""What is Azure's and not Data Factory's: clouds, resource ids, credentials, connections, storage accounts."""

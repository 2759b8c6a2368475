"""When a schedule trigger fires; independent of pipelines."""

"""When a schedule trigger fires. It knows no pipelines."""

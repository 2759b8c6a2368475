"""Event triggers in Data Factory's format: which events start which pipelines, and with what parameters."""

"""Triggers: which events start which pipelines, and with what parameters, as Data Factory declares it."""

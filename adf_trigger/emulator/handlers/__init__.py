"""The handlers of the management API's operations: parse, call the backend, shape the reply. No state."""

"""What each operation of the management API does: parse, ask the backend, shape. No state."""

"""The environment variables of the emulator's process, for values that do not belong on a command line."""

CLIENT_SECRET = "EMULATOR_CLIENT_SECRET"  # noqa: S105 - a name
"""The secret of its service principals."""

IDENTITY_HEADER = "EMULATOR_IDENTITY_HEADER"
"""The secret of its managed-identity endpoint."""

STORAGE = "EMULATOR_STORAGE"
"""Connection string of the stack's storage account."""

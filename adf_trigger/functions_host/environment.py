"""Environment variables of the host's process, in addition to its command line. The app does not see them."""

HOST_KEY = "FUNCTIONS_HOST_KEY"
"""The host key, for functions of level function."""

MASTER_KEY = "FUNCTIONS_MASTER_KEY"
"""The key for everything, /admin too. The functions' own keys are derived from it."""

SOCKET = "FUNCTIONS_HOST_SOCKET"
"""Descriptor of the listening socket of the host that this one replaces."""

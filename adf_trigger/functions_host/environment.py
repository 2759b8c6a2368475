"""What the host's process takes from its environment, past the command line. The app does not see it."""

HOST_KEY = "FUNCTIONS_HOST_KEY"
"""The host key, for functions of level function."""

MASTER_KEY = "FUNCTIONS_MASTER_KEY"
"""The key for everything, /admin too. The functions' own keys are derived from it."""

SOCKET = "FUNCTIONS_HOST_SOCKET"
"""Descriptor of the socket on which a host listened that this one takes the place of."""

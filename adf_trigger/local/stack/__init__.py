"""The stack: Azurite, the emulator and the Functions host, started together."""

"""Azure's own names on this machine: an HTTPS proxy that leads them to the stack, and refuses all others."""

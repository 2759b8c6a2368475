"""Starts and stops the processes of a stack, and chooses its ports."""

"""Starts and ends the processes of a stack, and looks after ports."""

"""The timer's sending: requests that wait, and those whose createRun had no answer."""

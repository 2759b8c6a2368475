"""The timer's part in sending: requests that wait, and those whose createRun got no answer."""

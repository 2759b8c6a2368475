"""What the timer sends: requests that wait, and those whose createRun had no answer."""

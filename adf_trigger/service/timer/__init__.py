"""One tick of the timer, and what runs it when the timer is late."""

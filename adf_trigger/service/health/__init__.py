"""Whether the service works: checked by the timer, read by HTTP."""

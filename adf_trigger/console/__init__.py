"""The console: a page of static files over the published HTTP API, which needs no build step and imports nothing."""

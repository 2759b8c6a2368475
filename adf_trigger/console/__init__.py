"""The console: static files over the published HTTP API, without a build step or imports."""

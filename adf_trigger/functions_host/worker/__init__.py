"""The worker: indexes an app's functions, binds their parameters and invokes them."""

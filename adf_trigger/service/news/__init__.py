"""What is told of requests: records as callers see them, and all news that is built of them."""

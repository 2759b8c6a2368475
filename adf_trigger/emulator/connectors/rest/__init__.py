"""REST services: reads JSON page by page, and writes it batch by batch."""

"""REST services: JSON read page by page, and written batch by batch."""

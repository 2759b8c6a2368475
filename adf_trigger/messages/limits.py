"""Text that has to fit."""

ELLIPSIS = "…"


def shorten(text: str, limit: int) -> str:
    """A text of at most `limit` characters: itself, or its beginning with an ellipsis at the end."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS

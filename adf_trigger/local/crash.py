"""Crash reports of the local commands: an unexpected error becomes a sentence, and a file with the traceback."""

import tempfile
import traceback
from pathlib import Path


def unexpected(error: BaseException) -> str:
    """The message for an unexpected error; the traceback is saved to a file, if one can be written."""
    text = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}".strip().rstrip(":")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="adf-trigger-error-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(text)
    except OSError:
        return f"Unexpected error, a bug in adf-trigger: {what}"
    return f"Unexpected error, a bug in adf-trigger: {what}\nThe traceback is in {Path(file.name)}"

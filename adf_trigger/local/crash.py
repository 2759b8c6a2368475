"""The last resort of the local commands: an error that nobody expected becomes a sentence, and a file with the rest."""

import tempfile
import traceback
from pathlib import Path


def unexpected(error: BaseException) -> str:
    """The message of a crash for people; the traceback is kept in a file, where one can be written."""
    text = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}".strip().rstrip(":")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="adf-trigger-error-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(text)
    except OSError:
        return f"This should not happen, and is a fault of adf-trigger: {what}"
    return (
        f"This should not happen, and is a fault of adf-trigger: {what}\nThe log is kept: {Path(file.name)}"
    )

"""A browser for tests: Debian's Chromium, driven by Playwright, which downloads nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Only the requested page is loaded."""


def chromium() -> str | None:
    """The path of a Chromium of this machine; None where it has none."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser.

    Its event loop occupies this thread until the end, so that nothing else can run one here meanwhile.
    """
    # As root, as in containers, Chromium's sandbox does not work.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=[*QUIET, *(["--no-sandbox"] if root else [])]
        )
        try:
            yield running
        finally:
            running.close()

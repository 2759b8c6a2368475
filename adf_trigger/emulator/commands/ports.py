"""TCP ports on a command line."""

import argparse

HIGHEST_PORT = 65_535


def port(text: str) -> int:
    """The type of an option for a port; 0 means a free one.

    Raises:
        argparse.ArgumentTypeError: the text is not a port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 (a free one) to {HIGHEST_PORT}")
    return int(text)

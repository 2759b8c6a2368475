"""The URL under which callers reach the app, the prefix of every link."""

import re

from adf_trigger.azure.clouds import checked_endpoint

_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/\[\]!$&'()*+,;=%]+")
"""What RFC 3986 allows in scheme, authority without userinfo, and path."""


def checked_base_url(url: str) -> str:
    """A base URL without a trailing slash: https, or plain http to a loopback address.

    It becomes part of a header: one invalid character there would cost the caller every answer.

    Raises:
        ValueError: it is no such URL; the text says why.
    """
    if _CHARACTERS.fullmatch(url) is None:
        raise ValueError(
            "must have a scheme, a host and optionally a path, no user, query or fragment, and be plain ASCII: letters "
            "of other scripts are written xn--… in the host, and percent-encoded in the path"
        )
    return checked_endpoint(url)

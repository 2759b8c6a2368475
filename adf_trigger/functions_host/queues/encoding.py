"""messageEncoding of host.json."""

import base64
import binascii

from adf_trigger.functions_host.common.host_json import MessageEncoding

_LEFT_OUT = dict.fromkeys(map(ord, " \t\r\n"))
"""What .NET passes over within base64: these four, and no other kind of white space."""


class Undecodable(ValueError):
    """The message is not in the encoding that host.json says."""


def decode(content: str, encoding: MessageEncoding) -> bytes:
    """The bytes of a message.

    Raises:
        Undecodable: base64 is asked for, and it is none.
    """
    if encoding == "none":
        return content.encode()
    try:
        return base64.b64decode(content.translate(_LEFT_OUT), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Undecodable("the message is not base64") from exc

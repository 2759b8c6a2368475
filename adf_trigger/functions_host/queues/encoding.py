"""messageEncoding of host.json."""

import base64
import binascii

from adf_trigger.functions_host.common.host_json import MessageEncoding

_LEFT_OUT = dict.fromkeys(map(ord, " \t\r\n"))
""".NET ignores these four characters within base64, and no other white space."""


class Undecodable(ValueError):
    """The message is not in the encoding set in host.json."""


def decode(content: str, encoding: MessageEncoding) -> bytes:
    """The bytes of a message.

    Raises:
        Undecodable: the encoding is base64, and the message is not.
    """
    if encoding == "none":
        return content.encode()
    try:
        return base64.b64decode(content.translate(_LEFT_OUT), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Undecodable("the message is not base64") from exc

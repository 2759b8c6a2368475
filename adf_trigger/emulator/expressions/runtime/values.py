"""The values of the language, those of JSON, as the service's .NET engine handles them."""

import math
from base64 import b64decode
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, TypeGuard

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_FIXED_DIGITS: Final = 15
"""Maximum digits before the point for a double without an exponent, or as many digits as it has."""
_FIXED_ZEROS: Final = -3
_BINARY_KEYS: Final = {"$content-type", "$content"}
_JSON_LINE_BREAKS: Final = str.maketrans({"\x85": r"\u0085", "\u2028": r"\u2028", "\u2029": r"\u2029"})


def is_int64(value: int) -> bool:
    """Whether a whole number fits the engine's 64 bits."""
    return _INT64_MIN <= value <= _INT64_MAX


def is_number(value: Any) -> TypeGuard[int | float]:
    """Integers and floats, but not booleans."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Any) -> TypeGuard[int]:
    """Integers, but not booleans."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """JSON arrays."""
    return isinstance(value, list | tuple)


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """JSON objects."""
    return isinstance(value, Mapping)


def is_binary(value: Any) -> TypeGuard[Mapping[str, str]]:
    """Binary content: `{"$content-type": …, "$content": base64}`."""
    return is_object(value) and value.keys() == _BINARY_KEYS and isinstance(value["$content"], str)


def binary(content_type: str, base64_content: str) -> dict[str, Any]:
    """Binary content as the engine represents it."""
    return {"$content-type": content_type, "$content": base64_content}


def binary_text(value: Mapping[str, str]) -> str:
    """The bytes of binary content as UTF-8 text; invalid bytes become U+FFFD, as in .NET."""
    return b64decode(value["$content"]).decode("utf-8", errors="replace")


def utf8(text: str) -> bytes:
    """UTF-8 as .NET encodes it: an unpaired surrogate (JSON can contain one) becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def type_name(value: Any) -> str:  # noqa: PLR0911 - one for each type of JSON
    """The engine's name for a value's type."""
    match value:
        case None:
            return "Null"
        case bool():
            return "Boolean"
        case int():
            return "Integer"
        case float():
            return "Float"
        case str():
            return "String"
        case list() | tuple():
            return "Array"
        case _:
            return "Object"


def to_text(value: Any) -> str:
    """A value as string(), concat() and interpolation write it: null is empty, true is `True`."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case _:
            return binary_text(value) if is_binary(value) else to_json(value)


def to_json(value: Any) -> str:  # noqa: PLR0911 - one for each type of JSON
    """Compact JSON as Newtonsoft.Json writes it: `1.0` keeps its fraction, and only necessary escapes are used."""
    match value:
        case str():
            return encode_basestring(value).translate(_JSON_LINE_BREAKS)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            text = _float_text(value)
            return text if "." in text or "E" in text else f"{text}.0"
        case list() | tuple():
            return f"[{','.join(map(to_json, value))}]"
        case _:
            return f"{{{','.join(f'{to_json(str(key))}:{to_json(item)}' for key, item in value.items())}}}"


def _float_text(value: float) -> str:
    """The shortest digits that identify the double, in the layout of .NET."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    sign, digit_tuple, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + int(exponent)
    if digits == "0":
        text = "0"
    elif point > max(len(digits), _FIXED_DIGITS) or point < _FIXED_ZEROS:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}E{point - 1:+03d}"
    elif point <= 0:
        text = f"0.{'0' * -point}{digits}"
    elif point >= len(digits):
        text = digits.ljust(point, "0")
    else:
        text = f"{digits[:point]}.{digits[point:]}"
    return f"-{text}" if sign else text


def identity(value: Any) -> Hashable:
    """A key for sets that two values share exactly if they are deeply equal.

    Integers and floats are compared by value, other types are never equal across types, and property names are
    compared case-sensitively.
    """
    match value:
        case bool():
            return ("boolean", value)
        case list() | tuple():
            return ("array", tuple(map(identity, value)))
        case Mapping():
            return ("object", frozenset((key, identity(item)) for key, item in value.items()))
        case None | str() | int() | float():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} is not a JSON type")


def same(left: Any, right: Any) -> bool:
    """Deep equality."""
    return identity(left) == identity(right)


def find_key(properties: Mapping[str, Any], name: str) -> str | None:
    """The key that a name selects: preferably the exact one, else one that differs only in case."""
    if name in properties:
        return name
    folded = name.lower()
    return next((key for key in properties if key.lower() == folded), None)

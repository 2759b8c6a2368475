"""String functions. Positions and lengths count UTF-16 units, as in .NET."""

import uuid
from typing import Any, Final

from adf_trigger.emulator.expressions.functions.arguments import (
    FIRST,
    SECOND,
    THIRD,
    integer,
    out_of_range,
    text,
)
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.values import to_text

_WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
_WHITE_SPACE_REST: Final = "\u2028\u2029\u202f\u205f\u3000"


def to_units(value: str) -> str:
    """The same text with one character for each UTF-16 unit, so that positions are those of .NET."""
    if value.isascii() or max(value) <= "\uffff":
        return value
    data = value.encode("utf-16-le", "surrogatepass")
    return "".join(chr(data[i] | data[i + 1] << 8) for i in range(0, len(data), 2))


def from_units(units: str) -> str:
    """The inverse of `to_units`; an unpaired surrogate becomes U+FFFD, as when .NET writes UTF-8."""
    if units.isascii():
        return units
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def lower(value: str) -> str:
    """Lower case character by character, as in .NET's invariant culture, which preserves lengths."""
    if value.isascii():
        return value.lower()
    return "".join(small if len(small := char.lower()) == 1 else char for char in value)


def upper(value: str) -> str:
    """Upper case character by character, as in .NET's invariant culture, which preserves lengths."""
    if value.isascii():
        return value.upper()
    return "".join(big if len(big := char.upper()) == 1 else char for char in value)


def concat(*values: Any) -> str:
    """The texts of all values, concatenated."""
    return "".join(map(to_text, values))


def ends_with(value: Any, ending: Any) -> bool:
    """Whether a string ends with another, case-insensitively."""
    return upper(text(value, FIRST)).endswith(upper(text(ending, SECOND)))


def starts_with(value: Any, beginning: Any) -> bool:
    """Whether a string starts with another, case-insensitively."""
    return upper(text(value, FIRST)).startswith(upper(text(beginning, SECOND)))


def index_of(value: Any, searched: Any) -> int:
    """The first position of another string, case-insensitively; -1 if there is none."""
    return to_units(upper(text(value, FIRST))).find(to_units(upper(text(searched, SECOND))))


def last_index_of(value: Any, searched: Any) -> int:
    """The last position of another string, case-insensitively; -1 if there is none."""
    units, wanted = to_units(upper(text(value, FIRST))), to_units(upper(text(searched, SECOND)))
    # The engine searches from the last character, so it finds an empty string there, not after it.
    return units.rfind(wanted) if wanted else max(len(units) - 1, 0)


def replace(value: Any, old: Any, new: Any) -> str:
    """The string with every occurrence of another replaced, case-sensitively."""
    whole, wanted = text(value, FIRST), text(old, SECOND)
    if not wanted:
        raise ArgumentError("expects its second parameter 'oldString' not to be an empty string.")
    return whole.replace(wanted, text(new, THIRD))


def split(value: Any, delimiter: Any) -> list[str]:
    """The parts between the delimiters; an empty delimiter does not split."""
    whole, separator = text(value, FIRST), text(delimiter, SECOND)
    return whole.split(separator) if separator else [whole]


def substring(value: Any, start: Any, *length: Any) -> str:
    """The part from a position, of a given length or to the end."""
    units, first = to_units(text(value, FIRST)), integer(start, SECOND)
    if not length:
        if not 0 <= first < len(units):
            raise out_of_range(
                "'start index' must be a non-negative integer and should be less than the length of the string."
            )
        return from_units(units[first:])
    count = integer(length[0], THIRD)
    if first < 0 or count < 0 or first + count > len(units):
        raise out_of_range(
            "'start index' and 'length' must be non-negative integers and their sum must be no larger than "
            "the length of the string."
        )
    return from_units(units[first : first + count])


def to_lower(value: Any) -> str:
    """The string in lower case."""
    return lower(text(value))


def to_upper(value: Any) -> str:
    """The string in upper case."""
    return upper(text(value))


def trim(value: Any) -> str:
    """The string without white space around it."""
    return text(value).strip(_WHITE_SPACE + _WHITE_SPACE_REST)


def guid(scope: Scope, form: Any = "D") -> str:
    """A new GUID in one of .NET's formats."""
    return _guid_text(scope.new_id(), text(form).upper())


def _guid_text(value: uuid.UUID, form: str) -> str:
    match form:
        case "" | "D":
            return str(value)
        case "N":
            return value.hex
        case "B":
            return f"{{{value}}}"
        case "P":
            return f"({value})"
        case "X":
            first, second, third, *rest = value.fields[0], value.fields[1], value.fields[2], *value.bytes[8:]
            ending = ",".join(f"0x{byte:02x}" for byte in rest)
            return f"{{0x{first:08x},0x{second:04x},0x{third:04x},{{{ending}}}}}"
        case _:
            raise ArgumentError(
                "was invoked with a format that is not valid. The format must be one of 'N', 'D', 'B', 'P' or 'X'."
            )

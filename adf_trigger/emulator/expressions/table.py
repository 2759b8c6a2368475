"""All functions of the language, one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from adf_trigger.emulator.expressions.functions import (
    collections,
    conversion,
    dates,
    logic,
    numbers,
    references,
    strings,
)
from adf_trigger.emulator.expressions.runtime.errors import ExpressionError

Category = Literal["reference", "string", "collection", "logical", "conversion", "math", "date"]
ANY: Final = None
"""No upper limit to the number of arguments."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        category: its heading in the service's documentation; `reference` for functions of `references`.
        name: as in the documentation; calls may use any case.
        minimum: minimum number of arguments.
        maximum: maximum number of arguments; None for any number.
        implementation: called with the arguments' values. If `scoped`, the Scope comes first; if `lazy`, the
            Scope comes first and the arguments are functions of it, to be called only when needed.
    """

    category: Category
    name: str
    minimum: int
    maximum: int | None
    implementation: Callable[..., Any]
    scoped: bool = False
    lazy: bool = False

    @property
    def arity(self) -> str:
        """For people: `2`, `1 to 3`, `at least 1`."""
        if self.maximum is None:
            return f"at least {self.minimum}"
        return f"{self.minimum}" if self.minimum == self.maximum else f"{self.minimum} to {self.maximum}"


TABLE: Final = (
    Function("reference", "pipeline", 0, 0, references.pipeline, scoped=True),
    Function("reference", "activity", 1, 1, references.activity, scoped=True),
    Function("reference", "variables", 1, 1, references.variables, scoped=True),
    Function("reference", "item", 0, 0, references.item, scoped=True),
    Function("reference", "dataset", 0, 0, references.dataset, scoped=True),
    Function("reference", "linkedService", 0, 0, references.linked_service, scoped=True),
    Function("reference", "trigger", 0, 0, references.trigger, scoped=True),
    Function("reference", "triggerOutputs", 0, 0, references.trigger_outputs, scoped=True),
    Function("reference", "triggerBody", 0, 0, references.trigger_body, scoped=True),
    Function("reference", "parameters", 1, 1, references.parameters, scoped=True),
    Function("reference", "actions", 1, 1, references.activity, scoped=True),
    Function("reference", "body", 1, 1, references.body, scoped=True),
    Function("string", "concat", 1, ANY, strings.concat),
    Function("string", "endsWith", 2, 2, strings.ends_with),
    Function("string", "guid", 0, 1, strings.guid, scoped=True),
    Function("string", "indexOf", 2, 2, strings.index_of),
    Function("string", "lastIndexOf", 2, 2, strings.last_index_of),
    Function("string", "replace", 3, 3, strings.replace),
    Function("string", "split", 2, 2, strings.split),
    Function("string", "startsWith", 2, 2, strings.starts_with),
    Function("string", "substring", 2, 3, strings.substring),
    Function("string", "toLower", 1, 1, strings.to_lower),
    Function("string", "toUpper", 1, 1, strings.to_upper),
    Function("string", "trim", 1, 1, strings.trim),
    Function("collection", "contains", 2, 2, collections.contains),
    Function("collection", "empty", 1, 1, collections.empty),
    Function("collection", "first", 1, 1, collections.first),
    Function("collection", "intersection", 2, ANY, collections.intersection),
    Function("collection", "join", 2, 2, collections.join),
    Function("collection", "last", 1, 1, collections.last),
    Function("collection", "length", 1, 1, collections.length),
    Function("collection", "skip", 2, 2, collections.skip),
    Function("collection", "take", 2, 2, collections.take),
    Function("collection", "union", 2, ANY, collections.union),
    Function("logical", "and", 1, ANY, logic.and_, lazy=True),
    Function("logical", "equals", 2, 2, logic.equals),
    Function("logical", "greater", 2, 2, logic.greater),
    Function("logical", "greaterOrEquals", 2, 2, logic.greater_or_equals),
    Function("logical", "if", 3, 3, logic.if_, lazy=True),
    Function("logical", "less", 2, 2, logic.less),
    Function("logical", "lessOrEquals", 2, 2, logic.less_or_equals),
    Function("logical", "not", 1, 1, logic.not_),
    Function("logical", "or", 1, ANY, logic.or_, lazy=True),
    Function("conversion", "array", 1, 1, conversion.array),
    Function("conversion", "base64", 1, 1, conversion.base64),
    Function("conversion", "base64ToBinary", 1, 1, conversion.base64_to_binary),
    Function("conversion", "base64ToString", 1, 1, conversion.base64_to_string),
    Function("conversion", "binary", 1, 1, conversion.binary),
    Function("conversion", "bool", 1, 1, conversion.bool_),
    Function("conversion", "coalesce", 1, ANY, logic.coalesce, lazy=True),
    Function("conversion", "createArray", 1, ANY, conversion.create_array),
    Function("conversion", "dataUri", 1, 1, conversion.data_uri),
    Function("conversion", "dataUriToBinary", 1, 1, conversion.data_uri_to_binary),
    Function("conversion", "dataUriToString", 1, 1, conversion.data_uri_to_string),
    Function("conversion", "decodeBase64", 1, 1, conversion.base64_to_string),
    Function("conversion", "decodeDataUri", 1, 1, conversion.decode_data_uri),
    Function("conversion", "decodeUriComponent", 1, 1, conversion.uri_component_to_string),
    Function("conversion", "encodeUriComponent", 1, 1, conversion.uri_component),
    Function("conversion", "float", 1, 1, conversion.float_),
    Function("conversion", "int", 1, 1, conversion.int_),
    Function("conversion", "json", 1, 1, conversion.json_),
    Function("conversion", "string", 1, 1, conversion.string),
    Function("conversion", "uriComponent", 1, 1, conversion.uri_component),
    Function("conversion", "uriComponentToBinary", 1, 1, conversion.uri_component_to_binary),
    Function("conversion", "uriComponentToString", 1, 1, conversion.uri_component_to_string),
    Function("conversion", "xml", 1, 1, conversion.xml),
    Function("conversion", "xpath", 2, 2, conversion.xpath),
    Function("math", "add", 2, 2, numbers.add),
    Function("math", "div", 2, 2, numbers.div),
    Function("math", "max", 1, ANY, numbers.max_),
    Function("math", "min", 1, ANY, numbers.min_),
    Function("math", "mod", 2, 2, numbers.mod),
    Function("math", "mul", 2, 2, numbers.mul),
    Function("math", "rand", 2, 2, numbers.rand, scoped=True),
    Function("math", "range", 2, 2, numbers.range_),
    Function("math", "sub", 2, 2, numbers.sub),
    Function("date", "addDays", 2, 3, dates.adder("Day")),
    Function("date", "addHours", 2, 3, dates.adder("Hour")),
    Function("date", "addMinutes", 2, 3, dates.adder("Minute")),
    Function("date", "addSeconds", 2, 3, dates.adder("Second")),
    Function("date", "addToTime", 3, 4, dates.add_to_time),
    Function("date", "convertFromUtc", 2, 3, dates.convert_from_utc),
    Function("date", "convertTimeZone", 3, 4, dates.convert_time_zone),
    Function("date", "convertToUtc", 2, 3, dates.convert_to_utc),
    Function("date", "dayOfMonth", 1, 1, dates.day_of_month),
    Function("date", "dayOfWeek", 1, 1, dates.day_of_week),
    Function("date", "dayOfYear", 1, 1, dates.day_of_year),
    Function("date", "formatDateTime", 1, 2, dates.format_date_time),
    Function("date", "getFutureTime", 2, 3, dates.get_future_time, scoped=True),
    Function("date", "getPastTime", 2, 3, dates.get_past_time, scoped=True),
    Function("date", "startOfDay", 1, 2, dates.start_of(dates.to_day)),
    Function("date", "startOfHour", 1, 2, dates.start_of(dates.to_hour)),
    Function("date", "startOfMonth", 1, 2, dates.start_of(dates.to_month)),
    Function("date", "subtractFromTime", 3, 4, dates.subtract_from_time),
    Function("date", "ticks", 1, 1, dates.ticks),
    Function("date", "utcNow", 0, 1, dates.utc_now, scoped=True),
)
"""All functions, by category in the order of the service's documentation."""

_BY_NAME: Final = {function.name.lower(): function for function in TABLE}


def function_for_call(name: str, count: int) -> Function:
    """The function that a call refers to.

    Args:
        name: as in the call, in any case.
        count: number of its arguments.

    Raises:
        ExpressionError: the function does not exist, or expects another number of arguments. The engine reports
            this before it evaluates anything.
    """
    function = _BY_NAME.get(name.lower())
    if function is None:
        raise references.undefined_function(name)
    if count < function.minimum or (function.maximum is not None and count > function.maximum):
        plural = "" if function.arity.split()[-1] == "1" else "s"
        raise ExpressionError(
            f"The function '{name}' expects {function.arity} parameter{plural}. "
            f"The function was invoked with '{count}' parameter(s)."
        )
    return function

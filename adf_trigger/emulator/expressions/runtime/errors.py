"""Errors of expressions, with the messages of the service's own engine.

The service runs the Logic Apps engine and omits `template language ` and the link to the documentation from
its messages (compare `The expression 'item().TABLE_SCHEMA' cannot be evaluated because property …` in users'
reports with the message of Logic Apps), so the texts here do the same.
"""


class ExpressionError(Exception):
    """An expression cannot be parsed or evaluated.

    Attributes:
        message: the service's message.
        code: the service's error code, always InvalidTemplate.
    """

    code = "InvalidTemplate"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ArgumentError(Exception):
    """The arguments of a function are invalid; the caller completes the message with the function's name.

    Args:
        reason: the end of the message.
        opening: its beginning, with `{}` for the function's name.
    """

    def __init__(self, reason: str, *, opening: str = "The function '{}' ") -> None:
        super().__init__(reason)
        self.reason = reason
        self.opening = opening

    def named(self, function: str) -> ExpressionError:
        """The error with the complete message."""
        return ExpressionError(self.opening.format(function) + self.reason)

"""What can be wrong with an expression, in the words of the service's own engine.

The service runs the Logic Apps engine and leaves `template language ` and the link to the documentation out of
its messages (compare `The expression 'item().TABLE_SCHEMA' cannot be evaluated because property …` in reports
of users with what Logic Apps says), so the texts here do the same.
"""


class ExpressionError(Exception):
    """An expression cannot be parsed or evaluated.

    Attributes:
        message: what the service says.
        code: the service's error code, always InvalidTemplate.
    """

    code = "InvalidTemplate"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ArgumentError(Exception):
    """The arguments of a function are wrong; the caller, who knows the name it was called by, completes the text.

    Args:
        reason: the rest of the sentence.
        opening: its beginning, with `{}` for the function's name.
    """

    def __init__(self, reason: str, *, opening: str = "The function '{}' ") -> None:
        super().__init__(reason)
        self.reason = reason
        self.opening = opening

    def named(self, function: str) -> ExpressionError:
        """The whole sentence, as an error."""
        return ExpressionError(self.opening.format(function) + self.reason)

"""The shape of one call of the HTTP API: its parameters, bodies and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from adf_trigger.functions.parameters import Schema
from adf_trigger.functions.problems import ProblemType


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no problem.

    Attributes:
        description: when it is given.
        content: the model of its body, a schema, or None for no body.
        headers: names of its possible headers.
    """

    description: str
    content: type[BaseModel] | Schema | None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One call.

    Attributes:
        function: name of the function: its operationId, and the scope of a function key.
        parameters: keys of PARAMETERS.
        body: model of the request's body; None for no body, or for `bodies`.
        bodies: media type → schema, for bodies without a model.
        example: an example of the model's body.
        problems: its possible problems, in addition to those of every call.
        keyed: whether it needs a function key.
    """

    function: str
    method: Literal["get", "post", "options"]
    path: str
    tag: str
    summary: str
    answers: Mapping[int, Answer]
    parameters: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[ProblemType, ...] = ()
    keyed: bool = True
    bodies: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its operationId: one function may answer several methods."""
        return self.function if self.method != "options" else f"{self.function}_handshake"

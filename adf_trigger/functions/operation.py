"""The shape of one call of the HTTP API: what it takes and what it answers."""

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
        description: when it comes.
        content: the model of its body, a schema, or None where it has none.
        headers: names of the headers that it may have.
    """

    description: str
    content: type[BaseModel] | Schema | None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One call.

    Attributes:
        function: name of the function, which is its operationId and what a function key is for.
        parameters: keys of PARAMETERS.
        body: model of the request's body; None where it has none. No body is required.
        bodies: media type → schema of a body that is of no model of ours.
        example: of such a body.
        problems: that it may answer with, beside those of every call.
        keyed: whether it takes a function key.
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

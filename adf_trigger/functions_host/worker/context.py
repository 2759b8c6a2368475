"""The context that a function with a parameter `context` gets."""

import threading
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
from azure.functions._abc import RetryContext, RpcException, TraceContext  # exported nowhere else

_invocation = threading.local()


@dataclass(frozen=True, slots=True)
class InvocationTrace(TraceContext):
    """The W3C trace context of the request that caused the invocation; empty where there is none."""

    parent: str = ""
    state: str = ""

    @property
    def trace_parent(self) -> str:
        """The traceparent header."""
        return self.parent

    @property
    def trace_state(self) -> str:
        """The tracestate header."""
        return self.state

    @property
    def attributes(self) -> dict[str, str]:
        """Nothing: the platform puts its telemetry's attributes here."""
        return {}


class NoRetry(RetryContext):
    """The retry context of an invocation that is not a retry."""

    @property
    def retry_count(self) -> int:
        """Always 0."""
        return 0

    @property
    def max_retry_count(self) -> int:
        """Always 0."""
        return 0

    @property
    def exception(self) -> RpcException:
        """The exception of the previous try; there was none, and the platform's worker also returns None."""
        return None  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class InvocationContext(func.Context):
    """One invocation of one function.

    Attributes:
        id: of the invocation.
        name: of the function.
        directory: of the function's file.
        trace: its trace context.
    """

    id: str
    name: str
    directory: str
    trace: InvocationTrace = field(default_factory=InvocationTrace)

    @property
    def invocation_id(self) -> str:
        """The id of the invocation."""
        return self.id

    @property
    def thread_local_storage(self) -> Any:
        """Storage of the thread; a thread that the app starts may set its `invocation_id`."""
        return _invocation

    @property
    def function_name(self) -> str:
        """The name of the function."""
        return self.name

    @property
    def function_directory(self) -> str:
        """The folder of the function's file."""
        return self.directory

    @property
    def trace_context(self) -> TraceContext:
        """The trace context that the invocation continues."""
        return self.trace

    @property
    def retry_context(self) -> RetryContext:
        """No retry: policies are refused when the app is indexed."""
        return NoRetry()

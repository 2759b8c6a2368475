"""The answers about a run: accepted, its state, and its result."""

import asyncio
from http import HTTPStatus

import azure.functions as func

from adf_trigger.contracts import RunStatus, RunView
from adf_trigger.errors import Fault
from adf_trigger.functions.answers import Parameters, run_response
from adf_trigger.functions.decoding import key_header, path_of
from adf_trigger.functions.prefer import applied, seconds_to_wait
from adf_trigger.functions.problems import RUN_FAILED, problem
from adf_trigger.functions.services import Services

ON_FAILURE = "onFailure"
ERROR = "error"


class Patience:
    """The wait that a caller prefers, counted from its arrival.

    Args:
        req: its request, which has just arrived.
    """

    def __init__(self, req: func.HttpRequest) -> None:
        self._seconds = seconds_to_wait(req.headers.get("Prefer"))
        self._arrived = asyncio.get_running_loop().time()

    @property
    def waits(self) -> bool:
        """Whether it prefers to wait."""
        return self._seconds is not None

    @property
    def left(self) -> float:
        """Seconds of its wait that are left."""
        return (self._seconds or 0) - (asyncio.get_running_loop().time() - self._arrived)

    def header(self, *, ended: bool) -> dict[str, str]:
        """The header Preference-Applied, if the run has ended or the wait is over."""
        if self._seconds is None or not (ended or self.left <= 0):
            return {}
        return applied(self._seconds)


def fails_by_status(parameters: Parameters) -> tuple[bool, list[Fault]]:
    """Whether to answer with an error if a run does not succeed; and the parameter's fault, if any."""
    given = parameters.get(ON_FAILURE)
    return given == ERROR, [] if given in {None, ERROR} else [Fault(ON_FAILURE, "must be error")]


def present(
    services: Services, view: RunView, status: HTTPStatus, patience: Patience, location: str | None = None
) -> func.HttpResponse:
    """Answer with a run in its present state, after a wait if there was one."""
    waited = patience.header(ended=view.ended)
    return run_response(services, view, status, location=location, headers=waited)


def result(
    services: Services, req: func.HttpRequest, view: RunView, patience: Patience, *, by_status: bool
) -> func.HttpResponse:
    """Answer with the result of a run; with an error if it did not succeed and `by_status` asks for that."""
    if not by_status or view.status == RunStatus.SUCCEEDED:
        return present(services, view, HTTPStatus.OK, patience)
    said = f"{view.pipeline} has ended: {view.status}" + (f", {view.reason}" if view.reason else "")
    headers = {**key_header(view.request_id), **patience.header(ended=True)}
    return problem(RUN_FAILED, said, instance=path_of(req), run=view, headers=headers)

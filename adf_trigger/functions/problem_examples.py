"""An example of each problem type, as a caller receives it."""

from collections.abc import Mapping
from typing import Any

from adf_trigger.functions import problems
from adf_trigger.functions.problems import ProblemType

_START = "/api/pipelines/LoadOrders/runs"
_RUN = "/api/runs/orders-2026-11-26"
RUN: Mapping[str, Any] = {
    "requestId": "orders-2026-11-26",
    "runId": "5f0c2d36-9f53-4be1-a4b1-4a1c1d6f9a41",
    "factory": "default",
    "pipeline": "LoadOrders",
    "status": "Failed",
    "ended": True,
    "reason": "CopyOrders: UserErrorSourceBlobNotExist",
    "parameters": {"day": "2026-11-26"},
    "requestedAt": "2026-11-26T06:00:00Z",
    "submittedAt": "2026-11-26T06:00:01Z",
    "endedAt": "2026-11-26T06:00:06Z",
    "links": {"self": _RUN, "result": f"{_RUN}/result"},
}


def _example(kind: ProblemType, detail: str, instance: str = _RUN, **more: Any) -> dict[str, Any]:
    return {
        "type": kind.uri,
        "title": kind.title,
        "status": int(kind.status),
        "detail": detail,
        "instance": instance,
        "errors": [],
        **more,
    }


_ALL = (
    (
        problems.INVALID_REQUEST,
        _example(
            problems.INVALID_REQUEST,
            "2 faults found; see errors",
            _START,
            errors=[
                {"pointer": "/parameters/day", "message": "is required by the pipeline"},
                {"pointer": "/correlation_id", "message": "there is no such field; is correlationId meant?"},
            ],
        ),
    ),
    (
        problems.LENGTH_REQUIRED,
        _example(
            problems.LENGTH_REQUIRED,
            "the platform does not forward chunked bodies; send it with a Content-Length",
            _START,
        ),
    ),
    (
        problems.TOO_LARGE,
        _example(problems.TOO_LARGE, "at most 65536 bytes are allowed, this has 70000", _START),
    ),
    (problems.REFUSED, _example(problems.REFUSED, "The pipeline is not in a state to run", _START)),
    (
        problems.PIPELINE_NOT_FOUND,
        _example(problems.PIPELINE_NOT_FOUND, "there is no pipeline LoadOrders", _START),
    ),
    (
        problems.FACTORY_NOT_FOUND,
        _example(
            problems.FACTORY_NOT_FOUND,
            "there is no factory uk; there is: eu, us",
            "/api/factories/uk/hold",
        ),
    ),
    (
        problems.RUN_NOT_FOUND,
        _example(problems.RUN_NOT_FOUND, "no run has the requestId or runId orders-2026-11-26"),
    ),
    (
        problems.AMBIGUOUS,
        _example(
            problems.AMBIGUOUS,
            "orders-2026-11-26 matches 2 runs; ask for one of them",
            choices=[
                {
                    "requestId": "orders-2026-11-26",
                    "runId": RUN["runId"],
                    "factory": factory,
                    "pipeline": "LoadOrders",
                    "status": "Succeeded",
                    "requestedAt": "2026-11-26T06:00:00Z",
                    "link": f"{_RUN}?factory={factory}&by=requestId",
                }
                for factory in ("eu", "us")
            ],
        ),
    ),
    (
        problems.KEY_REUSED,
        _example(
            problems.KEY_REUSED,
            "the key orders-2026-11-26 already names another request, made at 2026-11-26T06:00:00Z",
            _START,
        ),
    ),
    (
        problems.CROSS_SITE,
        _example(problems.CROSS_SITE, "according to Sec-Fetch-Site, a page of another site made it", _START),
    ),
    (
        problems.WRONG_STATE,
        _example(problems.WRONG_STATE, "the run has ended: Succeeded"),
    ),
    (
        problems.AT_CAPACITY,
        _example(
            problems.AT_CAPACITY,
            'at most 1 run of LoadOrders with parameters.customer = "Contoso" may be in progress at once, and these '
            "are under way or in doubt; the policy of the pipeline refuses more",
            _START,
            inTheWay=[
                {
                    "requestId": "orders-2026-11-26",
                    "runId": RUN["runId"],
                    "factory": "default",
                    "pipeline": "LoadOrders",
                    "status": "InProgress",
                    "requestedAt": "2026-11-26T06:00:00Z",
                    "link": f"{_RUN}?factory=default&by=requestId",
                }
            ],
        ),
    ),
    (
        problems.RUN_FAILED,
        _example(
            problems.RUN_FAILED,
            "LoadOrders has ended: Failed, CopyOrders: UserErrorSourceBlobNotExist",
            f"{_RUN}/result",
            run=RUN,
        ),
    ),
    (
        problems.DENIED,
        _example(problems.DENIED, "the identity of this service lacks the role for that", _START),
    ),
    (
        problems.FAILED,
        _example(problems.FAILED, "Data Factory did not answer in time", f"{_RUN}/activities"),
    ),
    (
        problems.SETTINGS_FAULTY,
        _example(
            problems.SETTINGS_FAULTY,
            "no request is accepted until they are corrected; see errors",
            errors=[{"pointer": "ADF_TRIGGER_TABLE", "message": "does not have the required form"}],
        ),
    ),
    (
        problems.TRY_LATER,
        _example(problems.TRY_LATER, "all worker threads are busy, and their queue is full", _START),
    ),
)
EXAMPLES: Mapping[str, Mapping[str, Any]] = {kind.slug: example for kind, example in _ALL}

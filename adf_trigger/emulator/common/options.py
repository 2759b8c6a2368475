"""The options of the emulated service. Where its behaviour is not known, an option selects one.

They can be changed while the emulator runs, through `/_emulator/`.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

LIST_SIZE = 50
"""Default entries per page of a list; `page_size` overrides it."""

ClientRequestIdMode = Literal["honoured", "ignored", "repeat-refused"]


@dataclass(slots=True, kw_only=True)
class Options:
    """Options of the management API and the engine behind it. They may change while both run.

    Attributes:
        strict: enforce the documented limits (activities, parameters, sizes, entities, queued and unfinished runs,
            concurrent activities in a region, their payload, monitoring queries in a minute).
        most_runs: maximum unfinished runs of a factory while `strict` is on; None for the documented 10,000.
        full_factory: what createRun answers beyond that: `refused`, 400 BadRequest; `throttled`, 429 TooManyRequests
            without Retry-After. The service's own answer is not known.
        throttling: answer 429 when ARM's token bucket is empty; otherwise replies show a full one, since nothing is
            rejected.
        client_request_id: what createRun does with an `x-ms-client-request-id` that is a GUID.
            `honoured`: it becomes the run id (as recorded calls show); repeated, it gives the same run.
            `ignored`: the service makes its own. `repeat-refused`: as honoured, but a repeat is a 409.
        undeclared_parameters: what createRun does with a parameter that the pipeline does not declare.
        missing_parameters: what it does when one without a default is missing; if accepted, the run fails where
            the value is used.
        mismatched_parameters: what it does with a value that is not of the declared Array, Object, Int, Float
            or Bool; if accepted, the value is used as it is.
        cancel_of_ended: what a cancel of a run that has ended does; if accepted, it changes nothing.
        wait_on_completion: default of an ExecutePipeline activity's waitOnCompletion. The API's description says
            false, the article on the activity says true.
        v1: whether the version 1 API (`datafactories`) answers. It is switched off in the service today.
        page_size: entries per page of lists and queries; None for 50 in lists, whose number in the service is not
            known, and 100 in queries, as users report.
        moved_window: what a query does with a continuation token of a query that differs only in its window.
        run_ids: how `id` of runs is spelt: as the factory was created, as the article of 2023 prints it, or in upper
            case, as calls recorded in 2020 show.
        any_group: whether every subscription and resource group is treated as existing; otherwise only those that
            were created, and the initial one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    strict: bool = False
    most_runs: Annotated[int, Field(ge=1)] | None = None
    full_factory: Literal["refused", "throttled"] = "refused"
    throttling: bool = False
    client_request_id: ClientRequestIdMode = "honoured"
    undeclared_parameters: Literal["accepted", "refused"] = "accepted"
    missing_parameters: Literal["accepted", "refused"] = "accepted"
    mismatched_parameters: Literal["accepted", "refused"] = "refused"
    cancel_of_ended: Literal["accepted", "refused"] = "refused"
    wait_on_completion: bool = False
    v1: bool = True
    page_size: Annotated[int, Field(ge=1)] | None = None
    moved_window: Literal["refused", "accepted"] = "refused"
    run_ids: Literal["as-created", "upper-case"] = "as-created"
    any_group: bool = False

"""Checks a request against what its pipeline declares, or against what is remembered of that in an outage."""

from datetime import timedelta
from typing import Any

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    DataFactoryError,
    Fault,
    InvalidRequest,
    Refused,
    Throttled,
    TryLater,
)
from adf_trigger.service.definitions import Definition, Definitions
from adf_trigger.service.policy import Policies
from adf_trigger.service.submission import Submission

JUST_NOW = timedelta(seconds=2)
"""A definition that a request is rejected by must be as fresh as that."""

OUTAGE_WAIT = 30.0
"""Seconds to wait where a request cannot be taken until Data Factory answers."""


class Checker:
    """Checks requests.

    Args:
        definitions: what pipelines declare.
        policies: what may be decided for each pipeline.
    """

    def __init__(self, definitions: Definitions, policies: Policies) -> None:
        self._definitions = definitions
        self._policies = policies

    def check(self, submission: Submission) -> Definition | None:
        """What the pipeline declares, the request checked against it; None where that cannot be known now.

        Raises:
            InvalidRequest: it can never work; every fault is named.
            Refused: Data Factory refuses to say, for instance since there is no such pipeline.
            TryLater: it cannot be checked just now.
        """
        factory, pipeline = submission.factory, submission.pipeline
        try:
            definition = self._definitions.get(factory, pipeline)
            faults = self._faults(submission, definition)
            if faults:  # the pipeline may have been published again since
                definition = self._definitions.get(factory, pipeline, no_older_than=JUST_NOW)
                faults = self._faults(submission, definition)
        except (DataFactoryError, CredentialError) as exc:
            if isinstance(exc, Refused) and not isinstance(exc, Throttled):
                raise
            return self._last_known(submission, exc)
        if faults:
            raise InvalidRequest(faults)
        return definition

    def _last_known(self, submission: Submission, outage: AdfTriggerError) -> Definition | None:
        """What the pipeline declared when it was last asked, the request checked against it as far as that goes.

        None where nothing is known of it and nothing is to be checked.
        """
        pipeline, parameters = submission.pipeline, submission.request.parameters
        definition = self._definitions.remembered(submission.factory, pipeline)
        if definition is None:
            if parameters:
                raise _try_later(
                    f"the parameters of {pipeline} cannot be checked just now", outage
                ) from outage
            return None
        faults = self._faults(submission, definition)
        if faults and submission.source is Source.QUEUE:
            # A message is rejected for good, and what is remembered may be old: it can wait instead.
            raise _try_later(f"it does not fit {pipeline} as that was last seen", outage) from outage
        if faults:
            raise InvalidRequest(faults) from outage
        if definition.secure_among(parameters):
            raise _try_later("a request with secure parameters is not kept for later", outage) from outage
        return definition

    def _faults(self, submission: Submission, definition: Definition) -> list[Fault]:
        correlation = self._policies.of(submission.pipeline).correlation_parameter
        given: dict[str, Any] = dict(submission.request.parameters)
        if correlation is not None:
            given.setdefault(correlation, submission.request_id)
        if submission.request.reference_pipeline_run_id is not None:
            return []  # Data Factory takes the parameters of the run that is rerun
        return definition.faults_of(given)


def _try_later(reason: str, outage: AdfTriggerError) -> TryLater:
    return TryLater(f"{reason}: {outage}", retry_after=OUTAGE_WAIT)

"""The emulated service's errors, with its own codes and texts. The edge (http/wire.py) adds HTTP statuses.

ServiceError
├── ResourceManagerError: Azure Resource Manager's, code and message alone (arm/arm_errors.py)
│   ├── MissingApiVersion · InvalidApiVersion · NoRegisteredProvider
│   ├── InvalidResourceType · InvalidResourceNamespace · MissingSubscription
│   ├── MalformedJson · InvalidRequestContent · InvalidFilter · RequestTooLarge · MethodNotAllowed
│   ├── AuthenticationFailed · InvalidAuthorizationHeader · InvalidToken · InvalidTokenTenant · ExpiredToken
│   ├── AuthorizationFailed
│   ├── RequestsThrottled
│   ├── SubscriptionNotFound · ResourceGroupNotFound · ResourceNotFound · OperationNotFound · InvalidTop
│   ├── InvalidResourceGroup · InvalidResourceGroupLocation · LocationNotAvailableForGroup
│   └── LocationRequired · LocationNotAvailable · InvalidResourceLocation
└── FactoryError: Data Factory's own, always with target and details
    ├── BadRequest
    │   └── InvalidReference · StillReferenced · MissingParameterDefinition · InvalidTemplate
    ├── NotFound
    ├── PreconditionFailed
    ├── TriggerEnabled · NameInUse
    ├── ReferencedRunNotFound · ReferencedRunNotValid
    ├── RunHasEnded · RunIdInUse
    ├── MonitoringThrottled · FactoryIsFull
    ├── ValidateNotImplemented
    └── InternalError
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class ServiceError(Exception):
    """An error of the service: `code` and `message` as the wire shows them.

    Attributes:
        headers: reply headers that belong to it (WWW-Authenticate, Retry-After, Allow).
    """

    code: ClassVar[str] = "InternalServerError"

    def __init__(self, message: str | None, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The `error` object."""
        return {"code": self.code, "message": self.message}


class FactoryError(ServiceError):
    """Data Factory rejected a request.

    Args:
        target: the resource that it is about.
    """

    def __init__(self, message: str, *, target: str | None = None) -> None:
        super().__init__(message)
        self.target = target

    def body(self) -> dict[str, Any]:
        """The `error` object; Data Factory always writes target and a null details."""
        return {"code": self.code, "message": self.message, "target": self.target, "details": None}


class BadRequest(FactoryError):
    """The request or the document in it is not valid."""

    code = "BadRequest"


class InvalidReference(BadRequest):
    """The document refers to a document that does not exist."""

    def __init__(self, name: str, target: str) -> None:
        super().__init__(
            f"The document creation or update failed because of invalid reference '{name}'.", target=target
        )


class StillReferenced(BadRequest):
    """The document cannot be deleted while another refers to it."""

    def __init__(self, referrer: str, target: str) -> None:
        super().__init__(
            f"The document cannot be deleted since it is referenced by {referrer}.", target=target
        )


class MissingParameterDefinition(BadRequest):
    """Expressions use parameters that the pipeline does not declare."""

    def __init__(self, names: Sequence[str], target: str) -> None:
        listed = ",".join(f"'{name}'" for name in names)
        super().__init__(f"Missing parameter definition for {listed}", target=target)


class InvalidTemplate(BadRequest):
    """createRun: the pipeline, as published, cannot be run."""

    def __init__(self, detail: str, target: str) -> None:
        super().__init__(f"ErrorCode=InvalidTemplate, ErrorMessage={detail}", target=target)


class NotFound(FactoryError):
    """The document does not exist."""

    code = "NotFound"

    def __init__(self, target: str) -> None:
        super().__init__("The document could not be retrieved because it does not exist.", target=target)


class PreconditionFailed(FactoryError):
    """If-Match names another version."""

    code = "PreconditionFailed"

    def __init__(self, target: str) -> None:
        super().__init__(
            "The condition given by the If-Match header is not met: the resource has another etag.",
            target=target,
        )


class TriggerEnabled(FactoryError):
    """A trigger that is started cannot be changed or deleted."""

    code = "TriggerEnabledCannotUpdate"

    def __init__(self) -> None:
        # The space at the end is the service's own.
        super().__init__("Cannot update enabled Trigger; the trigger needs to be disabled first. ")


class NameInUse(FactoryError):
    """The name of the factory is taken: factory names are globally unique."""

    code = "DataFactoryNameInUse"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The specified resource name '{name}' is already in use. Resource names must be globally unique.",
            target=name,
        )


class ReferencedRunNotFound(FactoryError):
    """The run that a cancel or a rerun names is unknown."""

    code = "ReferencedPipelineRunNotFound"

    def __init__(self, run_id: str, target: str = "pipelinerun") -> None:
        super().__init__(f"Referenced pipeline run id {run_id} does not exist.", target=target)


class ReferencedRunNotValid(FactoryError):
    """A rerun names something that is not a run id."""

    code = "ReferencedPipelineRunNotValid"

    def __init__(self, run_id: str, target: str) -> None:
        super().__init__(f"Referenced pipeline run id {run_id} is not a valid run id.", target=target)


class FactoryIsFull(FactoryError):
    """The factory has its maximum of runs; an optional answer, since the service's own one is not known."""

    code = "TooManyRequests"


class MonitoringThrottled(FactoryError):
    """The factory's limit of monitoring queries in a minute is exceeded.

    Args:
        retry_after: whole seconds until the next query is accepted.
    """

    code = "TooManyRequests"

    def __init__(self, target: str, retry_after: int) -> None:
        super().__init__(
            f"The data factory has reached its limit of monitoring queries. Try again after {retry_after} seconds.",
            target=target,
        )
        self.headers = {"Retry-After": str(retry_after)}


class RunHasEnded(FactoryError):
    """A cancel names a run that has ended (only where options refuse it)."""

    code = "BadRequest"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Pipeline run {run_id} cannot be cancelled because it has ended.", target="pipelinerun"
        )


class RunIdInUse(FactoryError):
    """createRun repeats an x-ms-client-request-id (only in the mode that refuses it)."""

    code = "Conflict"

    def __init__(self, run_id: str, target: str) -> None:
        super().__init__(f"A pipeline run with id {run_id} already exists.", target=target)


class ValidateNotImplemented(FactoryError):
    """Validation in the version 1 API, which its documentation allows to be missing."""

    code = "NotImplemented"

    def __init__(self) -> None:
        super().__init__("Validating a data factory without creating it is not implemented.")


class InternalError(FactoryError):
    """The service's own failure."""

    code = "InternalServerError"

    def __init__(self) -> None:
        super().__init__("Internal error has occurred.")

"""The digest of a request's content: the same key with another digest is a conflict."""

import hashlib
import json
from typing import Any

from adf_trigger.contracts import RunRequest


def digest_of(
    factory: str, pipeline: str, request: RunRequest, *, secret: dict[str, str], request_id: str
) -> str:
    """SHA-256, in hexadecimal, of everything that affects a run: factory, pipeline, parameters and rerun fields.

    Names of factory and pipeline enter in lower case, and objects with sorted members. Labels (correlationId, metadata)
    do not affect a run, and are not part of the digest. Values of secure parameters enter through scrypt, salted
    by the request's id, so that they cannot be guessed from the digest.

    Args:
        factory: resource id.
        pipeline: name of the pipeline.
        request: its body.
        secret: its secure parameters, name → JSON text.
        request_id: the idempotency key.
    """
    asked: dict[str, Any] = {
        "factory": factory.lower(),
        "pipeline": pipeline.lower(),
        "parameters": {name: value for name, value in request.parameters.items() if name not in secret},
        "referencePipelineRunId": str(request.reference_pipeline_run_id or ""),
        "isRecovery": bool(request.is_recovery),
        "startActivityName": request.start_activity_name or "",
        "startFromFailure": bool(request.start_from_failure),
        "secret": {name: _slow(value, salt=f"{request_id}/{name}") for name, value in secret.items()},
    }
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _slow(value: str, *, salt: str) -> str:
    return hashlib.scrypt(value.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()

"""Digests of requests that use no new field: those of earlier versions, byte for byte."""

from collections.abc import Iterator
from typing import Any

import pytest

from adf_trigger.contracts import RunRequest
from adf_trigger.service.submission import Submission
from tests.support.golden import golden
from tests.support.world import FACTORY_ID, World

pytestmark = pytest.mark.untraced

CASES = [case for cases in golden("digests.json").values() for case in cases]
TYPES = {str: "String", bool: "Bool", int: "Int", float: "Float", list: "Array", dict: "Object"}


def declared(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The declaration of a pipeline that takes the case's parameters: null is accepted where there is a default."""
    for name, value in case["body"].get("parameters", {}).items():
        type_of_value = TYPES.get(type(value), "String")
        default = {"defaultValue": ""} if value is None else {}
        yield name, {"type": "SecureString" if name in case["secure"] else type_of_value, **default}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["key"])
def test_the_digest_of_a_request_stays(case: dict[str, Any]) -> None:
    """The digest of a request equals the one that an earlier version kept, so that a repeat is a replay."""
    world = World()
    world.factory.declare(case["pipeline"], **dict(declared(case)))
    body = RunRequest.model_validate(case["body"], by_alias=True, by_name=False)
    world.services.submitter.submit(
        Submission(
            factory=world.services.factories.choose(None),
            pipeline=case["pipeline"],
            request=body,
            request_id=case["key"],
        )
    )
    stored = world.ledger.get(FACTORY_ID, case["key"])
    assert stored is not None
    assert stored.record.digest == case["digest"]

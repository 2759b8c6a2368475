"""The key under which a request is counted: equal values have equal keys, and different values different ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.contracts import RunRequest
from adf_trigger.errors import InvalidRequest
from adf_trigger.ledger.records import LONGEST_ADMISSION_KEY
from adf_trigger.service.admission.keys import canonical, key_of
from adf_trigger.settings.policy import AdmissionPolicy
from tests.support.world import World, settings

BY_CUSTOMER = '{"load": {"admission": {"atOnce": 2, "key": "parameters.customer"}}}'

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    max_leaves=30,
)


def counted(key: str | None, **fields: Any) -> str | None:
    """The key of a request by a policy."""
    return key_of(AdmissionPolicy(at_once=1, key=key), RunRequest(**fields))


def a_world(policy: str = BY_CUSTOMER, declared: str = "String") -> World:
    """A pipeline that is counted by customer."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.declare("load", Customer={"type": declared, "defaultValue": ""})
    return world


@pytest.mark.parametrize(
    ("key", "fields", "expected"),
    [
        ("parameters.customer", {"parameters": {"Customer": "A"}}, '"A"'),
        ("parameters.customer", {"parameters": {"customer": 1}}, "1"),
        ("parameters.customer", {"parameters": {"customer": "1"}}, '"1"'),
        ("parameters.customer", {"parameters": {"customer": 1.0}}, "1"),
        ("parameters.customer", {"parameters": {"customer": True}}, "true"),
        ("parameters.customer", {"parameters": {"customer": {"b": 1, "a": [2.0]}}}, '{"a":[2],"b":1}'),
        ("parameters.customer", {"parameters": {"other": "A"}}, "null"),
        ("parameters.customer", {"parameters": {"customer": None}}, "null"),
        ("metadata.Team", {"metadata": {"Team": "x"}}, '"x"'),
        ("metadata.team", {"metadata": {"Team": "x"}}, "null"),
        ("correlationId", {"correlation_id": "c-1"}, '"c-1"'),
        ("correlationId", {}, "null"),
        (None, {"parameters": {"customer": "A"}}, None),
    ],
)
def test_the_key_is_the_value_that_the_policy_names(
    key: str | None, fields: Any, expected: str | None
) -> None:
    """It is canonical JSON; null where the request lacks the parameter, none where the policy names no parameter."""
    assert counted(key, **fields) == expected


@given(JSON, JSON)
def test_two_values_share_a_key_only_if_they_are_the_same_json(one: Any, other: Any) -> None:
    """This holds at any length; no key is longer than a record has room for."""
    same = _json(one) == _json(other)
    assert (canonical(one) == canonical(other)) is same
    long_one, long_other = canonical([one, "x" * 300]), canonical([other, "x" * 300])
    assert (long_one == long_other) is same
    assert len(long_one) <= LONGEST_ADMISSION_KEY
    assert long_one.isascii()


def _json(value: Any) -> Any:
    """The value, wrapped so that Python's own comparison does not equate true and 1."""
    if isinstance(value, bool) or value is None:
        return ("word", value)
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    return value


def test_a_record_keeps_its_key_and_a_view_shows_it() -> None:
    """It is kept as the request gave it, in whatever case its parameter was spelled."""
    world = a_world()
    record = world.submit(parameters={"CUSTOMER": "Müller"}).record
    assert record.admission_key == '"M\\u00fcller"'
    assert world.services.query.show("key-1").admission_key == '"M\\u00fcller"'


def test_a_pipeline_without_admission_has_no_key() -> None:
    """No run of it is counted."""
    assert a_world("{}").submit(parameters={"customer": "A"}).record.admission_key is None


@pytest.mark.parametrize("parameters", [{"customer": "hunter2"}, {}])
def test_a_secret_is_no_key(parameters: dict[str, str]) -> None:
    """A request whose key would be a secure parameter's value is refused, and the value is not repeated."""
    world = a_world(declared="SecureString")
    with pytest.raises(InvalidRequest) as refused:
        world.submit(parameters=parameters)
    (fault,) = refused.value.faults
    assert fault.pointer == "/parameters/customer"
    assert "SecureString" in fault.message
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("key", ["customer", "parameters.", "metadata", "parameters", "correlationID", ""])
def test_a_key_that_names_nothing_is_a_fault_of_the_settings(key: str) -> None:
    """A policy that could never count is not accepted."""
    with pytest.raises(ValueError, match="key"):
        AdmissionPolicy(at_once=1, key=key)


@pytest.mark.parametrize("at_once", [0, 51])
def test_as_many_at_once_as_a_row_holds(at_once: int) -> None:
    """From 1 to 50."""
    with pytest.raises(ValueError, match="at_once"):
        AdmissionPolicy(at_once=at_once)

"""Resource ids and names."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.azure.resource_ids import FactoryId, entity_segment
from adf_trigger.errors import InvalidRequest

SUBSCRIPTION = "12345678-1234-4234-8234-123456789abc"
TEXT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.DataFactory/factories/my-factory"


def test_a_resource_id_is_read_and_written() -> None:
    """A resource id is read into its three names and written as it was."""
    parsed = FactoryId.parse(TEXT)
    assert parsed == FactoryId(SUBSCRIPTION, "rg", "my-factory")
    assert str(parsed) == TEXT


@pytest.mark.parametrize("text", [TEXT.upper(), TEXT.lower(), TEXT + "/", f" {TEXT}\n"])
def test_fixed_segments_match_in_any_case(text: str) -> None:
    """Every spelling of one factory's id has the same key."""
    assert FactoryId.parse(text).key == f"{SUBSCRIPTION}|rg|my-factory"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a factory's resource id"),
        ("my-factory", "not a factory's resource id"),
        (TEXT + "/pipelines/x", "not a factory's resource id"),
        (TEXT.replace("Microsoft.DataFactory", "MicrosoftxDataFactory"), "not a factory's resource id"),
        (TEXT.replace(SUBSCRIPTION, "mine"), "subscription id 'mine' is not a GUID"),
        (TEXT.replace("/rg/", "/../"), "resource group '..'"),
        (TEXT.replace("/rg/", "/r g/"), "resource group 'r g'"),
        (TEXT.replace("/rg/", f"/{'g' * 91}/"), "resource group"),
        (TEXT.replace("my-factory", "ab"), "factory 'ab'"),
        (TEXT.replace("my-factory", "my--factory"), "factory 'my--factory'"),
        (TEXT.replace("my-factory", "x" * 64), "factory"),
        (TEXT.replace("my-factory", "my_factory"), "factory 'my_factory'"),
    ],
)
def test_an_invalid_resource_id_is_rejected_with_its_fault(text: str, complaint: str) -> None:
    """The error names the part that breaks a rule."""
    with pytest.raises(ValueError, match=re.escape(complaint)):
        FactoryId.parse(text)


@given(st.text(max_size=40))
def test_any_accepted_name_stays_one_segment_of_the_path(name: str) -> None:
    """A name is rejected, or is exactly one segment of the path that no URL normalisation can leave."""
    try:
        segment = entity_segment("pipeline", name)
    except InvalidRequest:
        return
    assert "/" not in segment
    assert segment.strip(".")
    assert unquote(urlsplit(f"https://host/{segment}/createRun").path) == f"/{name}/createRun"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "-a", "a" * 261, "a\\b"])
def test_an_invalid_name_is_rejected_before_it_is_sent(name: str) -> None:
    """The error names the parameter."""
    with pytest.raises(InvalidRequest) as caught:
        entity_segment("pipeline", name)
    assert [fault.pointer for fault in caught.value.faults] == ["/pipeline"]


def test_a_space_in_a_name_is_percent_encoded() -> None:
    """Spaces are legal in names."""
    assert entity_segment("pipeline", "Copy data 1") == "Copy%20data%201"

"""Other principals on the storage account: each has access to its own queue or table alone."""

from typing import Any

import pytest

from tests.unit.infra.bicep_files import INFRA, given_to, loop_of, main, path_of, role_of, template

access = template("modules/access.bicep")
GRANTS = {
    "sending": ("allSenders", "requests", "messageSender"),
    "consuming": ("allConsumers", "events", "messageProcessor"),
    "operating": ("allOperators", "rejected", "queueDataContributor"),
    "keeping": ("allOperators", "ledger", "tableDataContributor"),
}
"""Assignment → the principals, the scope, the role."""
ROLES = {
    "messageSender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "messageProcessor": "8a0f0c08-91a1-4084-bc3d-661d67233fed",
    "queueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "tableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}


def granted() -> dict[str, dict[str, Any]]:
    """The role assignments by symbol."""
    return {
        symbol: access.resource(symbol)
        for symbol, resource in access.part("resources").items()
        if resource["type"] == "Microsoft.Authorization/roleAssignments"
    }


def test_there_is_no_other_grant() -> None:
    """Senders, consumers and operators have these assignments and no others."""
    assert set(granted()) == {*GRANTS, "consumingRouted"}


def test_the_consumer_of_a_route_reads_its_queue_alone() -> None:
    """The role is that of the events' consumers, on the route's queue."""
    assignment = granted()["consumingRouted"]
    assert role_of(assignment) == "messageProcessor"
    assert "scope: routed[index]" in access.text
    assert "name: reader.queue" in access.text
    assert main().part("parameters")["routeConsumers"]["default"] == {}
    assert '"value": "${ROUTE_CONSUMERS}"' in (INFRA / "main.parameters.json").read_text()


@pytest.mark.parametrize("symbol", sorted(GRANTS))
def test_a_principal_has_the_least_role_on_one_queue_or_table(symbol: str) -> None:
    """The scope is a queue or the table, never the account, and the name is derived from the assignment."""
    principals, scope, role = GRANTS[symbol]
    assignment = granted()[symbol]
    assert loop_of(access, symbol) == {"item_name": "principalId", "array_name": principals}
    assert assignment["scope"] == scope
    assert role_of(assignment) == role
    assert access.part("variables")[role]["value"] == ROLES[role]
    assert assignment["properties"]["principalId"] == "principalId"
    parts = assignment["name"]["function"]["parameters"]
    assert path_of(parts["base_string"]) == [scope, "id"]
    assert (parts["extra_string_1"], parts["extra_string_2"]) == ("principalId", role)


def test_each_principal_is_granted_a_role_once() -> None:
    """Two assignments of one name would fail the deployment; an operator is a sender, too."""
    text = access.text
    assert "var allSenders = union(senders, operators)" in text
    assert "var allConsumers = union(consumers, [])" in text
    assert "var allOperators = union(operators, [])" in text


def test_the_queues_are_those_of_the_app() -> None:
    """Names come from the module that creates queues and table."""
    given = given_to("access")
    for name in ("requestsQueue", "rejectedQueue", "eventsQueue", "table"):
        assert path_of(given[name]) == ["storage", "outputs", name]
    for queue in ("requests", "rejected", "events"):
        assert access.resource(queue) == {"parent": "queueService", "name": f"{queue}Queue"}
    assert access.resource("ledger") == {"parent": "tableService", "name": "table"}


def test_nothing_is_granted_by_default() -> None:
    """Every list is empty by default."""
    for name in ("senders", "consumers", "operators"):
        assert main().part("parameters")[name]["default"] == []
        assert f'"value": "${{{_VARIABLES[name]}}}"' in (INFRA / "main.parameters.json").read_text()


_VARIABLES = {"senders": "REQUEST_SENDERS", "consumers": "EVENT_CONSUMERS", "operators": "OPERATORS"}

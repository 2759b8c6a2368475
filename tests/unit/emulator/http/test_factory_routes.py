"""The table of operations, and the page generated from it."""

from adf_trigger.emulator.arm.authorization import ROLE_ACTIONS
from adf_trigger.emulator.commands.coverage import (
    SERVICE_ACTIVITIES,
    SERVICE_FUNCTIONS,
    SERVICE_OPERATIONS,
    emulated_activities,
    emulated_operations,
    page,
)
from adf_trigger.emulator.expressions import TABLE
from adf_trigger.emulator.http.routes import OPERATIONS


def test_no_two_operations_share_a_path() -> None:
    """Method and path identify an operation, whatever the case and the parameters' names."""
    seen = [
        (
            operation.method,
            ["{}" if part.startswith("{") else part.lower() for part in operation.path.split("/")],
        )
        for operation in OPERATIONS
    ]
    assert all(seen.count(entry) == 1 for entry in seen)


def test_every_operation_on_a_resource_needs_an_action() -> None:
    """Calls that precede any resource are open to every principal; the metadata, even without a token."""
    assert {operation.name for operation in OPERATIONS if not operation.actions} == {
        *(
            "ListOperations",
            "GetMetadata",
            "ListTenants",
            "ListSubscriptions",
            "ListProviders",
            "GetProvider",
        ),
    }
    assert [operation.name for operation in OPERATIONS if operation.public] == ["GetMetadata"]


def test_our_role_allows_what_the_app_does_and_no_more() -> None:
    """The least-privilege role allows exactly the operations that the trigger app calls."""
    role = {action.lower() for action in ROLE_ACTIONS["ADF Trigger"]}
    allowed = {
        operation.name
        for operation in OPERATIONS
        if operation.actions and all(action.lower() in role for action in operation.actions)
    }
    assert allowed == {
        *("GetFactory", "ListFactories", "ListFactoriesByResourceGroup", "GetPipeline", "ListPipelines"),
        *("CreateRun", "GetRun", "CancelRun", "QueryPipelineRuns", "QueryActivityRuns"),
    }


def test_every_emulated_operation_is_the_services() -> None:
    """Every emulated operation is on the list of the service's."""
    assert set(SERVICE_OPERATIONS) >= emulated_operations()
    assert set(SERVICE_ACTIVITIES) >= emulated_activities()


def test_every_documented_function_is_emulated() -> None:
    """The expression language is complete."""
    known = {function.name.lower() for function in TABLE}
    assert [name for name in SERVICE_FUNCTIONS if name.lower() not in known] == []


def test_the_page_lists_every_operation_with_its_state() -> None:
    """The page has a line for each, with its real state."""
    text = page()
    assert "| Pipelines_CreateRun | yes |" in text
    assert "| ChangeDataCapture_Start | no |" in text
    assert "| Custom | no |" in text
    assert "| Parquet | no |" in text
    assert "| utcNow | yes |" in text

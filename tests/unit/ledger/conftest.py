import pytest

pytest.register_assert_rewrite("tests.contracts.ledger_contract", "tests.contracts.ledger_machine")

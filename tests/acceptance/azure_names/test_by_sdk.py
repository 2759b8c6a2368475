"""Microsoft's own Python libraries, without an address of the stack."""

import json
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("by_sdk.py")


def test_both_quickstarts_run_by_the_official_sdk(shell: Any, group: str) -> None:
    """azure-identity, MSAL, the Data Factory and the storage SDK: with HTTPS_PROXY and the authority, nothing else."""
    parts = dict(
        part.split("=", 1) for part in shell.endpoints.storage_connection_string.strip(";").split(";")
    )
    _, _, subscription, _, name = group.split("/")
    given = ("HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "NO_PROXY", "TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    clean = {
        **dict.fromkeys(shell.variables, ""),
        **{each: shell.variables[each] for each in given},
    }
    words = (sys.executable, str(SCRIPT), subscription, name, f"sdk-{name}", parts["AccountKey"])
    outcome = json.loads(shell.run(*words, **clean).stdout)
    assert outcome == {
        "token": "Bearer",
        "provisioned": "Succeeded",
        "runs": ["Succeeded", "Succeeded"],
        "parameters": {"strParamInputFileName": "emp2.txt", "strParamOutputFileName": "aloha.txt"},
        "read": [14],
        "listed": [f"sdk-{name}"],
        "blobs": {
            "input/emp.txt": "John, Doe\n",
            "input/emp2.txt": "Ada, Lovelace\n",
            "output/emp.txt": "John, Doe\n",
            "output/aloha.txt": "Ada, Lovelace\n",
        },
    }


def test_nothing_of_it_went_elsewhere(shell: Any) -> None:
    """Neither the libraries nor the stack looked up or called another machine."""
    assert shell.elsewhere() == []

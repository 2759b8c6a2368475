"""The stack stands in for each of Azure's clouds: its names, its tokens, the app's own settings."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from adf_trigger.emulator.commands.azure_environment import azure_environment
from adf_trigger.emulator.common.clouds import CLOUDS, PUBLIC
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import StackConfig
from tests.support.warm import WarmStack, command_of

ROOT = Path(__file__).parents[3]


SIGN_IN = """
import sys
from azure.identity import EnvironmentCredential
print(EnvironmentCredential().get_token(sys.argv[1]).token.count("."))
"""


@contextmanager
def stack(cloud: str, folder: Path, warm: str) -> Iterator[Endpoints]:
    """A stack of a cloud."""
    config = StackConfig(data=folder, settings={"ADF_TRIGGER_CLOUD": cloud})
    with WarmStack(config, warm) as endpoints:
        yield endpoints


@pytest.mark.slow
@pytest.mark.parametrize("cloud", ["us-government", "china"])
def test_the_demo_runs_end_to_end(cloud: str, warm: str) -> None:
    """The app signs in with the audience of its cloud, starts the pipelines and publishes their ends."""
    done = subprocess.run(
        [*command_of(warm), "demo", "--cloud", cloud],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("name", ["us-government", "china"])
def test_names_and_tokens_are_those_of_the_cloud(name: str, tmp_path: Path, warm: str) -> None:
    """Its own names answer, the public cloud's do not; a token is issued for its audience alone, and works there."""
    cloud = CLOUDS[name]
    with stack(name, tmp_path, warm) as endpoints:
        proxies, ca = {"https": endpoints.proxy_url}, endpoints.ca_file

        def token(host: str, audience: str) -> requests.Response:
            return requests.post(
                f"https://{host}/{endpoints.tenant_id}/oauth2/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": endpoints.client_id,
                    "client_secret": endpoints.client_secret,
                    "resource": audience,
                },
                proxies=proxies,
                verify=ca,
                timeout=60,
            )

        for host in cloud.authorities:
            for audience in sorted(cloud.arm_audiences):
                issued = token(host, audience).json()["access_token"]
                reply = requests.get(
                    f"https://{cloud.management}/subscriptions?api-version=2022-12-01",
                    headers={"Authorization": f"Bearer {issued}"},
                    proxies=proxies,
                    verify=ca,
                    timeout=60,
                )
                assert reply.ok, reply.text
        refused = token(cloud.authority, f"https://{PUBLIC.management}").json()
        assert refused["error"] == "invalid_resource"
        with pytest.raises(requests.exceptions.ProxyError, match="is not part of the local stack"):
            token(PUBLIC.authority, f"https://{PUBLIC.management}")
        metadata = requests.get(
            f"https://{cloud.management}/metadata/endpoints?api-version=2022-09-01",
            proxies=proxies,
            verify=ca,
            timeout=60,
        ).json()
        assert metadata["authentication"]["loginEndpoint"] == f"https://{cloud.authority}"
        assert metadata["suffixes"]["storage"] == cloud.storage_suffix
        shell = subprocess.run(
            [sys.executable, "-c", SIGN_IN, f"https://{cloud.management}/.default"],
            env={**os.environ, **azure_environment(json.loads(endpoints.to_json()))},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert shell.stdout == "2\n", shell.stderr

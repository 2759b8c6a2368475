"""`env` hands the running stack to a shell, and reports whether a shell has it."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from adf_trigger.emulator.commands.azure_environment import check

LOCAL = (sys.executable, "-m", "adf_trigger.local")


def env(shell: Any, *options: str) -> str:
    """What `env` prints about the stack."""
    said: str = shell.run(*LOCAL, "env", "--data", str(shell.folder / "stack"), *options).stdout
    return said


def test_env_prints_addresses_and_azure_what_clients_need(shell: Any) -> None:
    """Without --azure no proxy and no certificate authority; with it both, and an az profile of the stack's own."""
    plain, azure = (json.loads(env(shell, *options, "--format", "json")) for options in ((), ("--azure",)))
    assert plain["MANAGEMENT_URL"] == shell.endpoints.management_url
    assert plain["FACTORY_ID"] == shell.endpoints.factory_id
    assert not {"HTTPS_PROXY", "SSL_CERT_FILE", "AZURE_CONFIG_DIR"} & set(plain)
    assert azure["HTTPS_PROXY"] == shell.endpoints.proxy_url
    assert azure["AZURE_CONFIG_DIR"].startswith(str(shell.folder))
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert azure[name] == shell.endpoints.ca_file


def test_a_shell_that_takes_it_over_is_a_good_one(shell: Any) -> None:
    """`eval "$(… env --azure)"` makes `env --check` succeed; in another shell it fails and says why."""
    local = f"{sys.executable} -m adf_trigger.local env --data {shell.folder / 'stack'}"
    bare = dict.fromkeys(shell.variables, "")
    clean = shell.run("bash", "-c", f"{local} --check", check=False, **bare)
    assert clean.returncode == 1
    assert "HTTPS_PROXY" in clean.stderr
    taken = shell.run("bash", "-euc", f'eval "$({local} --azure)"; {local} --check', **bare)
    assert taken.stderr == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NO_PROXY", "management.azure.com"),
        ("NO_PROXY", "*"),
        ("no_proxy", ".azure.com"),
        ("NO_PROXY", "localhost *.azure.com"),
        ("NO_PROXY", "127.0.0.1,Management.Azure.com:443"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("SSL_CERT_FILE", "/etc/ssl/cert.pem"),
        ("AZURE_CONFIG_DIR", "/home/somebody/.azure"),
    ],
)
def test_a_shell_that_would_miss_the_stack_is_reported(shell: Any, name: str, value: str) -> None:
    """One wrong variable is enough to fail the check, which names it."""
    checked = check(json.loads(shell.endpoints.to_json()), {**shell.environment, name: value})
    assert {name in fault for fault in checked.faults} == {True}


def test_the_command_fails_with_the_check(shell: Any) -> None:
    """It says what is wrong, and ends with code 1."""
    command = (*LOCAL, "env", "--data", str(shell.folder / "stack"), "--check")
    done = shell.run(*command, check=False, NO_PROXY="*")
    assert done.returncode == 1
    assert "NO_PROXY" in done.stderr


def test_other_hosts_may_go_past_the_proxy(shell: Any) -> None:
    """What NO_PROXY says of hosts that are not Azure's does not fail the check."""
    apart = {"NO_PROXY": "127.0.0.1,localhost,::1,[::1],10.0.0.0/8,.example.org"}
    checked = check(json.loads(shell.endpoints.to_json()), {**shell.environment, **apart})
    assert (checked.faults, checked.notes) == ([], [])


def test_without_a_stack_there_is_nothing_to_check(shell: Any, tmp_path: Path) -> None:
    """Where no stack runs, `env` and `env --check` fail."""
    for options in ((), ("--check",)):
        done = shell.run(*LOCAL, "env", "--data", str(tmp_path), *options, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"no stack runs on {tmp_path}" in done.stderr


def test_powershell_can_read_it(shell: Any) -> None:
    """Its form for PowerShell sets the same variables, quoted."""
    lines = env(shell, "--azure", "--format", "powershell").splitlines()
    assert f"$env:HTTPS_PROXY = '{shell.endpoints.proxy_url}'" in lines
    assert all(line.startswith("$env:") for line in lines)


def test_other_hosts_than_azures_are_refused_in_that_shell(shell: Any) -> None:
    """Another host is not reached: the proxy says no, and why."""
    done = shell.run("curl", "-sS", "https://example.org/", check=False)
    assert done.returncode == 56
    assert "403" in done.stderr


def test_plain_http_is_refused_in_that_shell(shell: Any) -> None:
    """No token goes to the real Azure where an address says http: the proxy answers, and the control API is local."""
    said = shell.run("curl", "-sS", "-H", "Authorization: Bearer x", "http://management.azure.com/").stdout
    assert said.startswith("This proxy is for HTTPS only")
    assert shell.run("curl", "-sSf", f"{shell.endpoints.control_url}/options").stdout


@pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java here")
def test_java_trusts_the_stack(shell: Any) -> None:
    """Java, with the options that it takes from the environment, reads an Azure address through the proxy."""
    (shell.folder / "Ask.java").write_text(
        "import java.net.URI;\npublic class Ask { public static void main(String[] a) throws Exception {\n"
        'System.out.write(URI.create("https://management.azure.com/metadata/endpoints?api-version=2022-09-01")'
        ".toURL().openStream().readAllBytes()); System.out.flush(); } }\n"
    )
    done = shell.run("java", "Ask.java", check=False)
    if "compiler" in done.stderr and "not found" in done.stderr:
        pytest.skip("this Java cannot run a source file")
    assert json.loads(done.stdout)["name"] == "AzureCloud", done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_node_trusts_the_stack(shell: Any) -> None:
    """Node takes the authority from the environment: TLS with the stack's server is believed for Azure's name."""
    host, port = shell.endpoints.management_tls_url.removeprefix("https://").split(":")
    code = (
        f"require('https').get({{host: '{host}', port: {port}, servername: 'management.azure.com', "
        "path: '/metadata/endpoints?api-version=2022-09-01', headers: {host: 'management.azure.com'}}, "
        "r => r.pipe(process.stdout))"
    )
    assert json.loads(shell.run("node", "-e", code).stdout)["name"] == "AzureCloud"


def test_requests_to_other_hosts_would_be_seen(shell: Any, tmp_path: Path) -> None:
    """The watch that the next test relies on writes down a look-up and a connection to another machine."""
    watched = tmp_path / "watched"
    watched.touch()
    code = (
        "import socket\n"
        "for call in (lambda: socket.getaddrinfo('elsewhere.invalid', 443),\n"
        "             lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))):\n"
        "    try:\n        call()\n    except OSError:\n        pass\n"
    )
    shell.run(sys.executable, "-c", code, WATCHED=str(watched))
    seen = watched.read_text("utf-8")
    assert "elsewhere.invalid" in seen
    assert "192.0.2.1" in seen


def test_nothing_went_elsewhere(shell: Any) -> None:
    """No process of the stack, and no client in Python, looked up or called another machine."""
    assert "WATCHED" in os.environ
    assert shell.elsewhere() == []

"""The shell environment that leads Azure's own names to the local stack, and the check whether a shell has it."""

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adf_trigger.emulator.common.clouds import CLOUDS
from adf_trigger.emulator.outbound.storage_account import SERVICES, storage_account
from adf_trigger.emulator.serving.certificates import TRUSTSTORE_PASSWORD

_CA_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""OpenSSL, .NET and Python's ssl; curl; Python's requests and the Azure CLI; Node."""

_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
"""Plain HTTP too: otherwise it would reach the real Azure, token included."""

_LOOPBACK = "127.0.0.1,localhost"
_TIMEOUT = 10.0
_METADATA = "/metadata/endpoints?api-version=2022-09-01"


def addresses(facts: Mapping[str, Any]) -> dict[str, str]:
    """The stack's addresses, ids and keys, by environment variable name."""
    return {name.upper(): value for name, value in facts.items() if isinstance(value, str)}


def azure_environment(facts: Mapping[str, Any]) -> dict[str, str]:
    """The variables that make unchanged Azure clients call the stack, without touching their own profiles.

    A shell with them reaches only the stack: the proxy refuses all other names and plain HTTP.
    """
    ca_file, proxy = str(facts["ca_file"]), str(facts["proxy_url"])
    folder = Path(ca_file).parent
    _, _, subscription, _, group, *_, factory = str(facts["factory_id"]).split("/")
    where = urlsplit(proxy)
    java = {
        **{f"{scheme}.proxyHost": where.hostname for scheme in ("https", "http")},
        **{f"{scheme}.proxyPort": where.port for scheme in ("https", "http")},
        "javax.net.ssl.trustStore": folder / "ca.p12",
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": TRUSTSTORE_PASSWORD,
    }
    return {
        **dict.fromkeys(_PROXY_VARIABLES, proxy),
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
        **dict.fromkeys(_CA_VARIABLES, ca_file),
        "NODE_USE_ENV_PROXY": "1",
        # Java splits at blanks, but not inside quotes.
        "JAVA_TOOL_OPTIONS": " ".join(f'"-D{name}={value}"' for name, value in java.items()),
        "AZURE_CONFIG_DIR": str(folder / "azure"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        "AZURE_CORE_SURVEY_MESSAGE": "false",
        "AZURE_AUTHORITY_HOST": f"https://{CLOUDS[str(facts['cloud'])].authority}",
        "AZURE_TENANT_ID": str(facts["tenant_id"]),
        "AZURE_CLIENT_ID": str(facts["client_id"]),
        "AZURE_CLIENT_SECRET": str(facts["client_secret"]),
        "AZURE_SUBSCRIPTION_ID": subscription,
        "AZURE_RESOURCE_GROUP": group,
        "AZURE_FACTORY_NAME": factory,
    }


@dataclass(slots=True)
class CheckResult:
    """The result of checking a shell.

    Attributes:
        faults: reasons why it would not reach the stack under Azure's names; empty if it would.
        notes: parts of the stack that do not run; their names lead to the stack nevertheless.
    """

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(facts: Mapping[str, Any], environ: Mapping[str, str]) -> CheckResult:
    """Check whether a shell with this environment reaches the stack under Azure's names.

    No packet leaves the machine: hosts are called only if the variables are right.
    """
    found = CheckResult(list(_environment_faults(facts, environ)))
    if not found.faults:
        _probe(facts, found)
    return found


def _environment_faults(facts: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    wanted = azure_environment(facts)
    for name in (*_PROXY_VARIABLES, *_CA_VARIABLES, "AZURE_CONFIG_DIR"):
        given = environ.get(name)
        if given is None:
            yield f"{name} is not set"
        elif given != wanted[name]:
            yield f"{name} is {given}, not {wanted[name]}"
    for name in ("no_proxy", "NO_PROXY"):
        for host in _names(facts):
            if _bypasses(environ.get(name, ""), host):
                yield f"{name} excludes {host} from the proxy"


def _bypasses(no_proxy: str, host: str) -> bool:
    """Whether any client would bypass the proxy: clients read stars, dots, ports and separators differently."""
    entries = (entry.lower() for entry in re.split(r"[\s,;|]+", no_proxy) if entry)
    return any(host.endswith(re.sub(r":\d+$", "", entry).strip("*.")) for entry in entries)


def _names(facts: Mapping[str, Any]) -> list[str]:
    """Azure's own names that the stack answers to."""
    cloud = CLOUDS[str(facts["cloud"])]
    account = storage_account(str(facts["storage_connection_string"])).name
    storage = (cloud.storage_host(account, service) for service in SERVICES)
    return [cloud.management, cloud.classic, *cloud.authorities, *storage]


def _probe(facts: Mapping[str, Any], found: CheckResult) -> None:
    import httpx  # noqa: PLC0415 - needed here only, and slow to import

    cloud = CLOUDS[str(facts["cloud"])]
    configuration = f"/{facts['tenant_id']}/v2.0/.well-known/openid-configuration"
    paths = {cloud.management: _METADATA, cloud.classic: _METADATA}
    paths |= dict.fromkeys(cloud.authorities, configuration)
    proxy, tls = str(facts["proxy_url"]), ssl.create_default_context(cafile=facts["ca_file"])
    for host in _names(facts):
        # Storage refuses an anonymous request; any answer is enough.
        path = paths.get(host, "/?comp=list")
        try:
            reply = httpx.get(f"https://{host}{path}", proxy=proxy, verify=tls, timeout=_TIMEOUT)
        except httpx.HTTPError as exc:
            found.faults.append(f"{host} does not answer through the proxy: {exc}")
            continue
        said = f"{host} answers {reply.status_code}: {reply.text.strip()[:200]}"
        if host in paths and reply.is_error:
            found.faults.append(said)
        elif reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            found.notes.append(said)

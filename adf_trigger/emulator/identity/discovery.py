"""Entra ID's own metadata: instance discovery and OpenID documents, under the name that was called.

No token is needed, as in the service.
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from adf_trigger.emulator.common.clouds import Cloud
from adf_trigger.emulator.identity import entra_errors as errors

ANY_TENANT = ("common", "organizations", "consumers")
"""Path segments for any tenant that a user belongs to."""

_PLACEHOLDER = "{tenantid}"


def instance(cloud: Cloud, origin: str, authorization_endpoint: str) -> dict[str, Any]:
    """The reply of instance discovery.

    Args:
        cloud: whose hosts are known.
        origin: scheme and authority that was called.
        authorization_endpoint: the sign-in URL that a client wants to check before it trusts it; may be empty.

    Raises:
        EntraError: the host of that URL is neither the cloud's nor this machine's.
    """
    url = urlsplit(authorization_endpoint or f"{origin}/common/oauth2/v2.0/authorize")
    host = urlsplit(origin).netloc
    if not (url.netloc.lower() in cloud.authorities or url.netloc == host or _is_local(url.hostname)):
        raise errors.instance_unknown(url.netloc)
    tenant = url.path.strip("/").partition("/")[0] or "common"
    version = "v2.0/" if "/v2.0/" in url.path else ""
    return {
        "tenant_discovery_endpoint": (
            f"https://{url.netloc}/{tenant}/{version}.well-known/openid-configuration"
        ),
        "api-version": "1.1",
        "metadata": [_metadata(cloud), *([] if host in cloud.authorities else [_aliases(host)])],
    }


def _metadata(cloud: Cloud) -> dict[str, Any]:
    return _aliases(*cloud.authorities)


def _aliases(*hosts: str) -> dict[str, Any]:
    return {"preferred_network": hosts[0], "preferred_cache": hosts[-1], "aliases": list(hosts)}


def _is_local(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def configuration(origin: str, named: str, tenant_id: str | None, *, version: str) -> dict[str, Any]:
    """An OpenID document.

    Args:
        origin: scheme and authority that was called.
        named: the tenant as requested: an id, a domain, or one of ANY_TENANT.
        tenant_id: its id; None for any tenant's.
        version: `v2.0/`, or empty for version 1.
    """
    # Endpoints have the tenant's id, however it was requested; "adfs" has no other name.
    path = named if tenant_id is None or named.lower() == "adfs" else tenant_id
    authority, issued_for = f"{origin}/{path}", tenant_id or _PLACEHOLDER
    issuer = f"{origin}/{issued_for}/v2.0" if version else f"https://sts.windows.net/{issued_for}/"
    return {
        "token_endpoint": f"{authority}/oauth2/{version}token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{authority}/discovery/{version}keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid"],
        "issuer": issuer,
        # Present because clients require them; interactive sign-in is not supported.
        "authorization_endpoint": f"{authority}/oauth2/{version}authorize",
        "device_authorization_endpoint": f"{authority}/oauth2/{version}devicecode",
        "tenant_region_scope": "EU",
        "cloud_instance_name": urlsplit(origin).netloc,
    }

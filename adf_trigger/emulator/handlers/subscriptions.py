"""The reads that need no resource: the cloud's metadata, tenants, subscriptions, regions, providers."""

from typing import Any

from adf_trigger.emulator.arm.api_versions import API_VERSIONS
from adf_trigger.emulator.arm.arm_errors import InvalidResourceNamespace
from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.arm.operations import Call, Reply
from adf_trigger.emulator.arm.regions import REGIONS, short
from adf_trigger.emulator.common.documents import KINDS, PROVIDER

_RESOURCES = "Microsoft.Resources"
_FLAT = "2015-01-01"
_LISTS_UNTIL = "2022"


def metadata(backend: Backend, call: Call) -> Reply:
    """The cloud's endpoints, without a token. Their shape depends on the api-version."""
    cloud, version = backend.cloud, call.query.get("api-version", "")
    login = backend.addresses.authority(call.base_url)
    arm = call.base_url
    if backend.addresses.under_own_names(call.base_url):
        login, arm = f"https://{cloud.authority}", f"https://{cloud.management}"
    audiences = [f"https://{cloud.classic}/", f"https://{cloud.management}/"]
    if version == _FLAT:
        return Reply(
            {
                "galleryEndpoint": f"https://{cloud.management}/",
                "graphEndpoint": f"https://{cloud.graph}/",
                "portalEndpoint": f"https://{cloud.portal}/",
                "authentication": {"loginEndpoint": f"{login}/", "audiences": audiences},
            }
        )
    entry = {
        "portal": f"https://{cloud.portal}",
        "authentication": {
            "loginEndpoint": login,
            "audiences": audiences,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": f"https://{cloud.graph}/",
        "graph": f"https://{cloud.graph}/",
        "microsoftGraphResourceId": f"https://{cloud.graph}/",
        "name": cloud.display_name,
        "suffixes": {"storage": cloud.storage_suffix, "keyVaultDns": cloud.vault_suffix},
        "resourceManager": f"{arm}/",
    }
    return Reply([entry] if version < _LISTS_UNTIL else entry)


def tenants(backend: Backend, _call: Call) -> Reply:
    """Tenants_List: the caller's own."""
    tenant: dict[str, Any] = {
        "id": f"/tenants/{backend.tenant_id}",
        "tenantId": backend.tenant_id,
        "countryCode": "US",
        "displayName": "adf-trigger local stack",
        "domains": list(backend.domains),
        "tenantCategory": "Home",
        "tenantType": "AAD",
    }
    if backend.domains:
        tenant["defaultDomain"] = backend.domains[0]
    return Reply({"value": [tenant]})


def list_subscriptions(backend: Backend, call: Call) -> Reply:
    """Subscriptions_List: those that the caller has a role in, which is all or none here."""
    found = backend.store.groups.subscriptions() if call.has_role else []
    count = {"type": "Total", "value": len(found)}
    return Reply({"value": [_subscription(backend, each) for each in found], "count": count})


def get_subscription(backend: Backend, call: Call) -> Reply:
    """Subscriptions_Get."""
    requested = call.path["subscription"]
    spelt = next(
        (each for each in backend.store.groups.subscriptions() if each.lower() == requested.lower()),
        requested,
    )
    return Reply(_subscription(backend, spelt))


def locations(backend: Backend, call: Call) -> Reply:
    """Subscriptions_ListLocations."""
    scope = f"/subscriptions/{call.path['subscription']}/locations"
    return Reply(
        {
            "value": [
                {
                    "id": f"{scope}/{short(region)}",
                    "name": short(region),
                    "type": "Region",
                    "displayName": region,
                    "regionalDisplayName": region,
                    "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
                }
                for region in REGIONS[backend.cloud.name]
            ]
        }
    )


def list_providers(backend: Backend, call: Call) -> Reply:
    """Providers_List."""
    return Reply({"value": [_provider(backend, call, namespace) for namespace in (PROVIDER, _RESOURCES)]})


def get_provider(backend: Backend, call: Call) -> Reply:
    """Providers_Get, Providers_GetAtTenantScope."""
    known = {namespace.lower(): namespace for namespace in (PROVIDER, _RESOURCES)}
    namespace = known.get(call.path["namespace"].lower())
    if namespace is None:
        raise InvalidResourceNamespace(call.path["namespace"])
    return Reply(_provider(backend, call, namespace))


def _subscription(backend: Backend, subscription: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": backend.tenant_id,
        "displayName": "adf-trigger local stack",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _provider(backend: Backend, call: Call, namespace: str) -> dict[str, Any]:
    subscription = call.path.get("subscription")
    scope = f"/subscriptions/{subscription}" if subscription else ""
    registered = {"registrationState": "Registered"} if subscription else {}
    return {
        "id": f"{scope}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": _types(backend, namespace),
        **registered,
        "registrationPolicy": "RegistrationRequired" if namespace == PROVIDER else "RegistrationFree",
    }


def _types(backend: Backend, namespace: str) -> list[dict[str, Any]]:
    if namespace == _RESOURCES:
        names = ("tenants", "subscriptions", "resourceGroups", "subscriptions/resourceGroups", "locations")
        return [_type(name, [], API_VERSIONS["resources"]) for name in names]
    regions = list(REGIONS[backend.cloud.name])
    versions = API_VERSIONS["factories"]
    return [
        *([_type("dataFactories", regions, API_VERSIONS["datafactories"])] if backend.options.v1 else []),
        _type("factories", regions, versions),
        *(_type(f"factories/{kind.collection}", regions, versions) for kind in KINDS),
        _type("operations", [], API_VERSIONS["operations"]),
    ]


def _type(name: str, regions: list[str], versions: tuple[str, ...]) -> dict[str, Any]:
    newest_first = sorted(versions, reverse=True)
    return {"resourceType": name, "locations": regions, "apiVersions": newest_first, "capabilities": "None"}

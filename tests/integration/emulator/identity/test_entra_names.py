"""Tenants and hosts by their names, and the flows for users."""

from collections.abc import Callable

import pytest
import requests

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.identity.tokens import TokenAuthority
from adf_trigger.emulator.serving.certificates import Certificate
from tests.integration.emulator.identity.forms import NO_SUCH_ID, OWNER, SCOPE, good


class TestNames:
    """Tenants and hosts by their names."""

    @pytest.mark.parametrize(
        "named", ["contoso.onmicrosoft.com", "Microsoft.OnMicrosoft.com", "adfs", defaults.TENANT_ID.upper()]
    )
    def test_a_tenant_has_several(
        self, post: Callable[..., requests.Response], tokens: TokenAuthority, named: str
    ) -> None:
        """By a domain, by /adfs or by its id in any case: the token is of the same tenant."""
        reply = post(tenant=named, **good())
        assert tokens.verify(reply.json()["access_token"], utcnow()).tenant_id == defaults.TENANT_ID

    @pytest.mark.parametrize("named", ["nobody.onmicrosoft.com", "x"])
    def test_an_unknown_domain_is_rejected(self, post: Callable[..., requests.Response], named: str) -> None:
        """An unknown domain is rejected like an unknown id."""
        assert post(tenant=named, **good()).json()["error_codes"] == [90002]

    def test_an_application_must_name_its_tenant(self, post: Callable[..., requests.Response]) -> None:
        """Under /common there is no tenant to issue a token in."""
        assert post(tenant="common", **good()).json()["error_codes"] == [50059]

    def test_an_application_may_request_a_token_for_itself(
        self, post: Callable[..., requests.Response]
    ) -> None:
        """Its own client id is accepted as a resource, and another's is not."""
        form = good(scope="")
        assert post(version="", resource=OWNER, **form).status_code == 200
        other = post(version="", resource=defaults.READER_CLIENT_ID, **form)
        assert other.json()["error_codes"] == [500011]

    @pytest.mark.parametrize(
        "tenant", ["common", "organizations", defaults.TENANT_ID, "contoso.onmicrosoft.com", "adfs"]
    )
    @pytest.mark.parametrize("version", ["", "v2.0/"])
    @pytest.mark.parametrize("host", ["login.microsoftonline.com", "login.windows.net"])
    def test_documents_name_the_requested_host(
        self, authority: str, certificate: Certificate, tenant: str, version: str, host: str
    ) -> None:
        """Each OpenID document names endpoints of the host of its request."""
        reply = requests.get(
            f"{authority}/{tenant}/{version}.well-known/openid-configuration",
            headers={"Host": host},
            verify=str(certificate.ca),
            timeout=60,
        ).json()
        for name in ("token_endpoint", "authorization_endpoint", "jwks_uri", "device_authorization_endpoint"):
            assert reply[name].startswith(f"https://{host}/"), reply[name]
        assert reply["token_endpoint"].endswith(f"/oauth2/{version}token")

    def test_instance_discovery_knows_the_clouds_hosts_and_no_others(
        self, authority: str, certificate: Certificate
    ) -> None:
        """For a host of the cloud, discovery lists its hosts; an unknown host is rejected."""

        def ask(endpoint: str) -> requests.Response:
            return requests.get(
                f"{authority}/common/discovery/instance",
                params={"api-version": "1.1", "authorization_endpoint": endpoint},
                headers={"Host": "login.windows.net"},
                verify=str(certificate.ca),
                timeout=60,
            )

        reply = ask("https://login.windows.net/contoso.onmicrosoft.com/oauth2/authorize").json()
        assert reply["tenant_discovery_endpoint"] == (
            "https://login.windows.net/contoso.onmicrosoft.com/.well-known/openid-configuration"
        )
        (metadata,) = reply["metadata"]
        assert set(metadata["aliases"]) == {"login.microsoftonline.com", "login.windows.net"}
        assert ask("https://login.evil.example/x/oauth2/authorize").json()["error"] == "invalid_instance"


class TestFlowsForUsers:
    """There are no users: flows for them are rejected with Entra's own codes."""

    @pytest.mark.parametrize(
        ("changes", "error", "code"),
        [
            ({"username": "", "password": "x"}, "invalid_request", 900144),
            ({"client_secret": ""}, "invalid_client", 7000218),
            ({}, "invalid_grant", 50034),
            ({"tenant": "organizations"}, "invalid_grant", 50034),
            ({"client_id": NO_SUCH_ID}, "unauthorized_client", 700016),
        ],
    )
    def test_the_password_grant_is_rejected(
        self, post: Callable[..., requests.Response], changes: dict[str, str], error: str, code: int
    ) -> None:
        """It is rejected for its faults, and otherwise because there is no such user."""
        user = {"grant_type": "password", "username": "ada@contoso.onmicrosoft.com", "password": "pw"}
        reply = post(**good(**(user | changes))).json()
        assert (reply["error"], reply["error_codes"]) == (error, [code])
        assert "pw" not in str(reply)

    @pytest.mark.parametrize("path", ["oauth2/devicecode", "oauth2/v2.0/devicecode"])
    def test_no_device_code_is_issued(self, authority: str, certificate: Certificate, path: str) -> None:
        """A confidential application gets no device code, and an unknown one gets an error that says so."""
        for client_id, code in ((OWNER, 7000218), (NO_SUCH_ID, 700016), ("", 900144)):
            reply = requests.post(
                f"{authority}/common/{path}",
                data={"client_id": client_id, "scope": SCOPE},
                verify=str(certificate.ca),
                timeout=60,
            )
            assert reply.json()["error_codes"] == [code]

    def test_an_unknown_device_code_has_expired(self, post: Callable[..., requests.Response]) -> None:
        """A client that polls for it gets an error that ends its polling."""
        grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}
        assert post(**good(**grant)).json()["error"] == "expired_token"

    def test_no_user_has_a_realm(self, authority: str, certificate: Certificate) -> None:
        """The realm of every user is unknown."""
        url = f"{authority}/common/UserRealm/ada@contoso.onmicrosoft.com?api-version=1.0"
        reply = requests.get(url, verify=str(certificate.ca), timeout=60).json()
        assert reply["account_type"] == "Unknown"

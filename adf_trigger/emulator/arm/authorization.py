"""Authentication and authorization: bearer tokens to principals, roles to RBAC actions."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from adf_trigger.emulator.arm.arm_errors import (
    AuthenticationFailed,
    AuthorizationFailed,
    ExpiredToken,
    InvalidAuthorizationHeader,
    InvalidToken,
    InvalidTokenTenant,
    wall_clock,
)
from adf_trigger.emulator.identity.tokens import (
    Principal,
    TokenAudienceInvalid,
    TokenAuthority,
    TokenError,
    TokenExpired,
    TokenTenantInvalid,
)

ROLE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "Owner": ("*",),
    "Contributor": ("*",),
    "Reader": ("*/read",),
    "Data Factory Contributor": (
        "Microsoft.DataFactory/dataFactories/*",
        "Microsoft.DataFactory/factories/*",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Resources/subscriptions/resourcegroups/resources/read",
    ),
    "ADF Trigger": (
        "Microsoft.DataFactory/factories/read",
        "Microsoft.DataFactory/factories/pipelines/read",
        "Microsoft.DataFactory/factories/pipelines/createrun/action",
        "Microsoft.DataFactory/factories/pipelineruns/read",
        "Microsoft.DataFactory/factories/pipelineruns/cancel/action",
        "Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/action",
        "Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/read",
        "Microsoft.DataFactory/factories/querypipelineruns/action",
        "Microsoft.DataFactory/factories/querypipelineruns/read",
    ),
}
"""Azure's built-in roles, as far as they touch Data Factory, and this project's least-privilege role."""


_CACHE_SIZE = 1000
"""Verified tokens that are cached: checking the signature is most of the cost of a call."""


class Authorization:
    """Checks the Authorization header as Azure Resource Manager does.

    Args:
        tokens: the authority whose tokens are accepted.
    """

    def __init__(self, tokens: TokenAuthority) -> None:
        self._tokens = tokens
        self._verified: OrderedDict[str, Principal] = OrderedDict()

    def principal(self, header: str | None, now: datetime, authority_url: str) -> Principal:
        """The principal that the header authenticates.

        Args:
            header: Authorization.
            now: aware.
            authority_url: what the WWW-Authenticate challenge names, without the tenant.

        Raises:
            AuthenticationFailed: there is no header.
            InvalidAuthorizationHeader: it is not a bearer token.
            InvalidToken: malformed, wrongly signed, or for another audience.
            InvalidTokenTenant: from another directory.
            ExpiredToken: it has expired.
        """
        tenant_url = f"{authority_url}/{self._tokens.tenant_id}"
        if not header:
            raise AuthenticationFailed(
                "Authentication failed. The 'Authorization' header is missing.", _challenge(tenant_url)
            )
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise InvalidAuthorizationHeader(
                "Authentication failed. The 'Authorization' header is provided in an invalid format.",
                _challenge(tenant_url),
            )
        try:
            return self._verify(token.strip(), now)
        except TokenExpired as exc:
            message = (
                f"The access token expiry UTC time '{wall_clock(exc.expires_at)}' is earlier than current UTC "
                f"time '{wall_clock(now)}'."
            )
            raise ExpiredToken(message, _challenge(tenant_url, "The access token expired")) from exc
        except TokenTenantInvalid as exc:
            message = (
                f"The access token is from the wrong issuer 'https://sts.windows.net/{exc.tenant_id}/'. It must "
                f"match the tenant 'https://sts.windows.net/{self._tokens.tenant_id}/' associated with this "
                f"subscription. Please use the authority (URL) '{tenant_url}' to get the token."
            )
            raise InvalidTokenTenant(
                message, _challenge(tenant_url, "The access token is from the wrong issuer")
            ) from exc
        except TokenAudienceInvalid as exc:
            allowed = ",".join(f"'{audience}'" for audience in sorted(self._tokens.audiences))
            message = (
                f"The access token has been obtained for wrong audience or resource '{exc.audience}'. It should "
                f"exactly match with one of the allowed audiences {allowed}."
            )
            raise InvalidToken(message, _challenge(tenant_url, "The audience is invalid")) from exc
        except TokenError as exc:
            raise InvalidToken(
                "The access token is invalid.", _challenge(tenant_url, "The access token is invalid")
            ) from exc

    def _verify(self, token: str, now: datetime) -> Principal:
        """The principal of a token; a valid token is verified again only once it has expired."""
        known = self._verified.get(token)
        if known is not None and now < known.expires_at:
            return known
        principal = self._tokens.verify(token, now)
        self._verified[token] = principal
        if len(self._verified) > _CACHE_SIZE:
            self._verified.popitem(last=False)
        return principal


def _challenge(tenant_url: str, description: str | None = None) -> str:
    challenge = f'Bearer authorization_uri="{tenant_url}"'
    if description is None:
        return challenge
    return f'{challenge}, error="invalid_token", error_description="{description}"'


def require(principal: Principal, actions: tuple[str, ...], scope: str) -> None:
    """Reject a principal whose roles do not allow every one of the actions.

    Raises:
        AuthorizationFailed: naming the first action that is not allowed.
    """
    for action in actions:
        if not any(_allows(role, action) for role in principal.roles):
            raise AuthorizationFailed(principal.app_id, principal.object_id, action, scope)


def _allows(role: str, action: str) -> bool:
    patterns = ROLE_ACTIONS.get(role, ())
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

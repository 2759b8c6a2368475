"""Client assertions: JWTs that an application signs with its certificate's key, in place of a secret."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_decode

from adf_trigger.emulator.identity import entra_errors as errors
from adf_trigger.emulator.identity.directory import Application

if TYPE_CHECKING:
    from jwt.types import Options

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# The header that names the certificate, and the hash that it is named by.
_THUMBPRINTS: dict[str, hashes.HashAlgorithm] = {
    "x5t#S256": hashes.SHA256(),
    "x5t": hashes.SHA1(),  # noqa: S303 - the thumbprint of the protocol
}
_ALGORITHMS = ["RS256", "PS256"]


def verify_assertion(
    assertion: str, application: Application, audiences: Collection[str], now: datetime
) -> None:
    """Check that the assertion is valid now, for this endpoint, and signed with a registered certificate's key.

    Args:
        assertion: the JWT.
        application: whose certificates count, and whose client id it must name.
        audiences: values of `aud` that name this endpoint.
        now: aware.

    Raises:
        EntraError: it is not valid.
    """
    try:
        header = jwt.get_unverified_header(assertion)
        thumbprint, certificate = _certificate(header, application)
        claims = _claims(assertion, certificate, thumbprint)
    except jwt.InvalidTokenError as exc:
        raise errors.assertion_malformed() from exc
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise errors.assertion_key_expired(
            thumbprint, start=certificate.not_valid_before_utc, end=certificate.not_valid_after_utc
        )
    _check_claims(claims, application, audiences, now)


def _certificate(header: dict[str, Any], application: Application) -> tuple[str, x509.Certificate]:
    """The registered certificate that the assertion names, and its thumbprint in hexadecimal."""
    name = next((name for name in _THUMBPRINTS if isinstance(header.get(name), str)), None)
    if name is None:
        raise errors.assertion_malformed()
    try:
        thumbprint = base64url_decode(header[name])
    except ValueError as exc:
        raise errors.assertion_malformed() from exc
    for certificate in application.certificates:
        if certificate.fingerprint(_THUMBPRINTS[name]) == thumbprint:
            return thumbprint.hex().upper(), certificate
    raise errors.assertion_key_unknown(thumbprint.hex().upper())


def _claims(assertion: str, certificate: x509.Certificate, thumbprint: str) -> dict[str, Any]:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise errors.assertion_key_unknown(thumbprint)
    options: Options = {
        "require": ["aud", "exp", "iss", "sub"],
        # Checked here: each has an error of its own, and the clock is injected.
        "verify_aud": False,
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
    try:
        return jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=options)
    except jwt.InvalidSignatureError as exc:
        raise errors.assertion_signature_wrong(thumbprint) from exc


def _check_claims(
    claims: dict[str, Any], application: Application, audiences: Collection[str], now: datetime
) -> None:
    try:
        end = datetime.fromtimestamp(claims["exp"], tz=UTC)
        start = datetime.fromtimestamp(claims.get("nbf", 0), tz=UTC)
    except (TypeError, ValueError, OverflowError) as exc:
        raise errors.assertion_malformed() from exc
    if claims["aud"] not in audiences:
        raise errors.assertion_audience_wrong()
    if {claims["iss"], claims["sub"]} != {application.identity.app_id}:
        raise errors.assertion_client_wrong()
    if not start <= now < end:
        raise errors.assertion_not_in_time(now=now, start=start, end=end)

"""The stack's own certificate authority, which can sign for the stack's names and for no others.

It is created for one data folder, valid for 30 days, and constrained (RFC 5280, name constraints) to the names that it
was created for, so that a client that trusts it trusts it for nothing else.
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=30)
"""How long the authority is valid; what it signs expires with it."""

TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105 - Java's own default; the store holds one public certificate
"""Password of the Java trust store, which holds no secret."""

_LOOPBACK = ("127.0.0.1", "localhost")
_RENEWAL_MARGIN = timedelta(days=7)
_SKEW = timedelta(minutes=5)
_COMMON_NAME = "adf-trigger local stack"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a server's certificate and key, and of the authority that signed it.

    Attributes:
        ca: certificate of the authority, PEM.
        chain: certificate of the server, PEM.
        key: its key, PEM, readable by its owner alone.
        truststore: the authority as Java reads it, PKCS #12.
    """

    ca: Path
    chain: Path
    key: Path
    truststore: Path


def make_certificate(folder: Path, now: datetime, names: Sequence[str] = ()) -> Certificate:
    """Create a certificate for the loopback address, localhost and these names, signed by the folder's authority.

    The authority is created if the folder has none for exactly these names that is valid for long enough.

    Args:
        folder: must exist; keeps ca.pem, ca.key, ca.p12, server.pem and server.key.
        now: aware.
        names: additional host names.
    """
    files = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "ca.p12")
    key_file = folder / "ca.key"
    kept = _kept(files.ca, key_file, now, names)
    if kept is None:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _authority(key, now, names)
        _write_secret(key_file, _pem(key))
        files.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    else:
        authority, key = kept
    files.truststore.write_bytes(_truststore(authority))
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = _server(server_key, authority, key, now, names)
    files.chain.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    _write_secret(files.key, _pem(server_key))
    return files


def _kept(
    file: Path, key_file: Path, now: datetime, names: Sequence[str]
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The folder's authority, if it is usable; None otherwise, as for a damaged one."""
    try:
        authority = x509.load_pem_x509_certificate(file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return None
    if (
        not isinstance(key, ec.EllipticCurvePrivateKey)
        or key.public_key() != authority.public_key()
        or constraints != _constraints(names)
        or authority.not_valid_before_utc > now
        or authority.not_valid_after_utc < now + _RENEWAL_MARGIN
    ):
        return None
    return authority, key


def _constraints(names: Sequence[str]) -> x509.NameConstraints:
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted({"localhost", *names})]
    return x509.NameConstraints(
        [*permitted, x509.IPAddress(ipaddress.ip_network("127.0.0.1/32"))], excluded_subtrees=None
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime, names: Sequence[str]) -> x509.Certificate:
    # The serial number in the name distinguishes authorities that a client may know from an earlier start.
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{_COMMON_NAME} {serial:x}"[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(_constraints(names), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    names: Sequence[str],
) -> x509.Certificate:
    address, localhost = _LOOPBACK
    subject_names: list[x509.GeneralName] = [x509.DNSName(name) for name in (localhost, *names)]
    subject_names.append(x509.IPAddress(ipaddress.ip_address(address)))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, localhost)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(subject_names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _truststore(authority: x509.Certificate) -> bytes:
    return pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(authority, b"adf-trigger")],
        serialization.BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode()),
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    file.unlink(missing_ok=True)
    with open(file, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
        opened.write(content)

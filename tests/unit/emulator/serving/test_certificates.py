"""The stack's own certificate authority."""

import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from adf_trigger.emulator.serving.certificates import TRUSTSTORE_PASSWORD, make_certificate

NOW = datetime.now(tz=UTC)
NAMES = ("management.azure.com", "login.microsoftonline.com")


def shake_hands(ca: Path, chain: Path, key: Path, name: str) -> None:
    """TLS in memory, verified as Python does: with the authority alone, for that name."""
    client_context = ssl.create_default_context(cafile=ca)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(chain, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", *NAMES])
def test_a_server_is_trusted_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    """The certificate is valid for the loopback address, localhost and the requested names."""
    files = make_certificate(tmp_path, NOW, NAMES)
    shake_hands(files.ca, files.chain, files.key, name)


def test_the_authority_cannot_issue_for_any_other_name(tmp_path: Path) -> None:
    """A certificate that its key signs for another name is rejected because of the constraints."""
    files = make_certificate(tmp_path, NOW, NAMES)
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    signer = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    (tmp_path / "forged.pem").write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "forged.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(files.ca, tmp_path / "forged.pem", tmp_path / "forged.key", "bank.example")


def test_it_is_constrained_short_lived_and_kept_close(tmp_path: Path) -> None:
    """Its constraints are exactly its names, it is valid for 30 days, and its keys are their owner's alone."""
    files = make_certificate(tmp_path, NOW, NAMES)
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = {str(name.value) for name in constraints.value.permitted_subtrees or ()}
    assert permitted == {"localhost", str(ipaddress.ip_network("127.0.0.1/32")), *NAMES}
    assert authority.not_valid_after_utc - NOW <= timedelta(days=30)
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_java_finds_it_in_its_trust_store(tmp_path: Path) -> None:
    """The trust store holds the authority and no key."""
    files = make_certificate(tmp_path, NOW, NAMES)
    store = pkcs12.load_pkcs12(files.truststore.read_bytes(), TRUSTSTORE_PASSWORD.encode())
    assert store.key is None
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    assert [each.certificate for each in store.additional_certs] == [authority]


def test_the_authority_of_a_folder_is_reused(tmp_path: Path) -> None:
    """A second start has the same authority and another server key, so a shell's trust stays valid."""
    first = make_certificate(tmp_path, NOW, NAMES)
    ca, key = first.ca.read_bytes(), first.key.read_bytes()
    again = make_certificate(tmp_path, NOW + timedelta(days=20), NAMES)
    assert again.ca.read_bytes() == ca
    assert again.key.read_bytes() != key


@pytest.mark.parametrize("trouble", ["names", "age", "key", "damage"])
def test_an_unusable_authority_is_replaced(tmp_path: Path, trouble: str) -> None:
    """Other names, an expiry that is near, a missing key or a damaged file: the folder gets another authority."""
    first = make_certificate(tmp_path, NOW, NAMES).ca.read_bytes()
    later, names = NOW, list(NAMES)
    match trouble:
        case "names":
            names.pop()
        case "age":
            later = NOW + timedelta(days=24)
        case "key":
            (tmp_path / "ca.key").unlink()
        case _:
            (tmp_path / "ca.pem").write_text("no certificate")
    assert make_certificate(tmp_path, later, names).ca.read_bytes() != first

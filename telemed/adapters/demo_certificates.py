"""A demonstration certification authority in a folder: one key and certificate per person, made when first needed.

Each file holds a private key and its certificate together (see `key_files`). Keys are ECDSA P-256. In production a
certified module stands behind `Signer` instead.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from telemed.adapters.key_files import kept
from telemed.service.ports.signer import Signatory

AUTHORITY_NAME = "Telemed Demonstration CA"
AUTHORITY_YEARS = 20
PERSON_YEARS = 10
# X.520 bounds of common name and organization name.
MAX_COMMON_NAME = 64

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

BEFORE = timedelta(days=30)
"""Certificates hold since so long before they were made: the demo's story was signed in the days before its start."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and the certificate for its public half."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def key_der(self) -> bytes:
        """PKCS #8, DER."""
        return self.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def to_pem(self) -> bytes:
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return key + self.certificate.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def from_pem(cls, pem: bytes) -> "Credential":
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the key is not an elliptic curve key; remove the file to have a new one made")
        return cls(key, x509.load_pem_x509_certificate(pem))


class DemoCertificates:
    """The authority and its people, kept in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def authority(self) -> Credential:
        """The root that all demonstration signatures lead to."""
        return Credential.from_pem(kept(self._folder / "authority.pem", lambda: _new_authority().to_pem()))

    def of(self, signatory: Signatory) -> Credential:
        """The key of one person. Another name or organization for the same account is another certificate."""
        identity = "\0".join((signatory.id, signatory.name, signatory.organization))
        file = self._folder / f"person-{hashlib.sha256(identity.encode()).hexdigest()[:32]}.pem"
        return Credential.from_pem(kept(file, lambda: _new_person(signatory, self.authority()).to_pem()))


def _new_authority() -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, AUTHORITY_NAME)])
    builder = _builder(name, name, key, AUTHORITY_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Credential(key, builder.sign(key, hashes.SHA256()))


def _new_person(signatory: Signatory, authority: Credential) -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, signatory.organization[:MAX_COMMON_NAME]),
            x509.NameAttribute(NameOID.COMMON_NAME, signatory.name[:MAX_COMMON_NAME]),
            x509.NameAttribute(NameOID.USER_ID, signatory.id),
        ]
    )
    builder = _builder(subject, authority.certificate.subject, key, PERSON_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    # Content commitment is what a signature on a document needs (RFC 5280, 4.2.1.3).
    builder = builder.add_extension(_usage("digital_signature", "content_commitment"), critical=True)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer_key, critical=False)
    return Credential(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, years: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in USAGES})

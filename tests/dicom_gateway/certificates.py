"""A certificate authority for tests: contexts for both ends of TLS."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])

FAR = datetime(2100, 1, 1, tzinfo=UTC)
"""TLS goes by the machine's clock, tests by their own."""


class Authority:
    """Signs certificates and writes them, with their keys, to files of `folder`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._serial = 1
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self._name, self._key, authority=True))

    def issue(self, name: str, ends_at: datetime = FAR) -> Path:
        """Certificate and key of `name` in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = self._folder / f"{name}.pem"
        file.write_bytes(self._signed(subject, key, authority=False, ends_at=ends_at) + secret)
        return file

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool, ends_at: datetime = FAR) -> bytes:
        self._serial += 1
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), self._serial)
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(ends_at)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(NAMES, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def server_context(certificate: Path, clients: Path | None = None) -> ssl.SSLContext:
    """TLS for whoever listens; where `clients` names an authority, peers must show a certificate of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority: Path, certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context

"""The key that signs anchors of the audit trail, and the keys that they are proved by.

RSA (PKCS #1 v1.5) or an elliptic curve (ECDSA), always with SHA-256: what `openssl dgst -sha256 -verify` proves as well. SM2 is not
among them: no library that the platform depends on signs with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from telemed.adapters.key_files import kept

NEW_KEY_BITS: Final = 3072
"""RSA modulus of a key that the platform makes: 128 bits of strength (NIST SP 800-57 part 1, table 2)."""

LEAST_BITS: Final = 2048
"""RSA modulus below which a key is refused (NIST SP 800-131A)."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_PUBLIC_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class AnchorKeyUnusable(Exception):
    """The key for anchors cannot be used; the message is a plain sentence."""


def fingerprint(key: PublicKey) -> str:
    """Return the SHA-256 of the public key (SubjectPublicKeyInfo, DER) in hex digits."""
    content = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class AnchorSigner:
    """Signs anchors with one private key."""

    key: PrivateKey
    fingerprint: str

    def sign(self, content: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(content, PKCS1v15(), hashes.SHA256())
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))


def new_key() -> bytes:
    """Return a new private key, PKCS #8 in PEM. It takes up to a second of computing."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=NEW_KEY_BITS)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def load_signer(file: Path, *, make: bool) -> AnchorSigner:
    """Return the signer with the key in `file`; with `make` a key is made there where there is none. Raises AnchorKeyUnusable."""
    try:
        content = kept(file, new_key) if make else file.read_bytes()
        key = serialization.load_pem_private_key(content, password=None)
    except OSError as error:
        raise AnchorKeyUnusable(f"The key for audit anchors, {file}, cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise AnchorKeyUnusable(f"{file} holds no private key in PEM without a pass phrase, which audit anchors are signed with.") from None
    if not isinstance(key, PrivateKey) or (isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_BITS):
        raise AnchorKeyUnusable(f"The key in {file} is neither RSA of at least {LEAST_BITS} bits nor of an elliptic curve.")
    return AnchorSigner(key, fingerprint(key.public_key()))


def load_public(file: Path) -> list[PublicKey]:
    """Return the public keys in `file`, PEM, one after the other. Raises AnchorKeyUnusable."""
    try:
        content = file.read_bytes()
        found = [serialization.load_pem_public_key(part) for part in _PUBLIC_PEM.findall(content)]
    except OSError as error:
        raise AnchorKeyUnusable(f"The public key for audit anchors, {file}, cannot be read: {error.strerror}.") from None
    except ValueError:
        found = []
    keys = [key for key in found if isinstance(key, PublicKey)]
    if not keys or len(keys) < len(found):
        raise AnchorKeyUnusable(f"{file} holds no public keys (RSA or of an elliptic curve) in PEM, by which audit anchors are proved.")
    return keys


class AnchorVerifier:
    """Proves signatures of anchors by the keys at hand."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self.keys: Mapping[str, PublicKey] = {fingerprint(key): key for key in keys}

    def is_signed(self, by: str, content: bytes, signature: bytes) -> bool:
        """True if the content bears the signature of the key with this fingerprint. Raises KeyError where that key is not at hand."""
        key = self.keys[by]
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, content, PKCS1v15(), hashes.SHA256())
            else:
                key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def verifier_of(private: Iterable[Path], public: Iterable[Path]) -> AnchorVerifier:
    """Return what proves anchors by the private keys in `private`, where they are, and the keys in `public`. Raises AnchorKeyUnusable."""
    keys = [load_signer(file, make=False).key.public_key() for file in private if file.exists()]
    return AnchorVerifier([*keys, *(key for file in public for key in load_public(file))])

"""An SM2 signature over the SM3 digest of a file (GB/T 32918, GB/T 32905), kept beside it as a small JSON document.

It covers every byte of the file, and states who signed, in which role and when. The demonstration keys are kept in a
folder; a check trusts the key that the folder has for the account. In production a certified module makes it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from gmalg import SM2
from gmalg.errors import GMError

from telemed.adapters.key_files import kept
from telemed.service.ports.signer import Role, Signatory, SignatureCheck

FORMAT = "SM2-SM3/1"
# The user identity where none is agreed (GM/T 0009-2012, 10).
USER_IDENTITY = b"1234567812345678"
MAX_SIDECAR = 8192  # bytes
FIELDS = ("format", "sm3", "role", "signatory", "signatory_id", "organization", "reason", "signed_at")


def sm3(content: bytes) -> str:
    """The SM3 digest in hexadecimal."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize().hex()


@dataclass(frozen=True, slots=True)
class Sm2Signer:
    """Signs files with the SM2 keys of a folder, and checks such signatures."""

    folder: Path

    def sign(self, content: bytes, role: Role, signatory: Signatory, reason: str, at: datetime) -> bytes:
        """The sidecar: UTF-8 JSON with the statement, the signature (r and s, 64 bytes) and the public key, in hex."""
        if at.utcoffset() is None:
            raise ValueError("the time of signing has no zone; give a datetime with tzinfo")
        statement = {
            "format": FORMAT,
            "sm3": sm3(content),
            "role": role,
            "signatory": signatory.name,
            "signatory_id": signatory.id,
            "organization": signatory.organization,
            "reason": reason,
            "signed_at": at.isoformat(timespec="seconds"),
        }
        private, public = self._key(signatory.id)
        r, s = SM2(private, USER_IDENTITY, public).sign(_canonical(statement))
        return _canonical({**statement, "signature": (r + s).hex(), "public_key": public.hex()})

    def verify(self, content: bytes, sidecar: bytes) -> SignatureCheck:
        """Judge the sidecar of this file. Never raises for what stands in the sidecar."""
        try:
            stated = _parse(sidecar)
            signed_at = datetime.fromisoformat(stated["signed_at"])
            public, signature = bytes.fromhex(stated["public_key"]), bytes.fromhex(stated["signature"])
            statement = {field: stated[field] for field in FIELDS}
            valid = _fits(public, signature, _canonical(statement))
        except (ValueError, RecursionError, GMError) as error:
            return SignatureCheck("", "", "", "", "", None, False, False, False, f"not an SM2 sidecar: {error}")
        return SignatureCheck(
            role=stated["role"],
            signatory=stated["signatory"],
            signatory_id=stated["signatory_id"],
            organization=stated["organization"],
            reason=stated["reason"],
            claimed_at=signed_at,
            intact=valid,
            trusted=public == self._known_key(stated["signatory_id"]),
            unchanged_since=stated["sm3"] == sm3(content),
        )

    def _file(self, signatory_id: str) -> Path:
        return self.folder / f"sm2-{sha256(signatory_id.encode()).hexdigest()[:32]}.hex"

    def _key(self, signatory_id: str) -> tuple[bytes, bytes]:
        return _key_pair(kept(self._file(signatory_id), _new_key))

    def _known_key(self, signatory_id: str) -> bytes | None:
        file = self._file(signatory_id)
        return _key_pair(file.read_bytes())[1] if file.exists() else None


def _new_key() -> bytes:
    private, _ = SM2().generate_keypair()
    return bytes(private).hex().encode()


def _key_pair(stored: bytes) -> tuple[bytes, bytes]:
    private = bytes.fromhex(stored.decode())
    return private, SM2().generate_pk(private)


def _canonical(statement: dict[str, str]) -> bytes:
    return json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _parse(sidecar: bytes) -> dict[str, str]:
    if len(sidecar) > MAX_SIDECAR:
        raise ValueError(f"larger than {MAX_SIDECAR} bytes")
    stated: Any = json.loads(sidecar)
    if not isinstance(stated, dict) or set(stated) != {*FIELDS, "signature", "public_key"}:
        raise ValueError("other fields than a sidecar has")
    if not all(isinstance(value, str) for value in stated.values()) or stated["format"] != FORMAT:
        raise ValueError(f"not of the format {FORMAT}")
    return stated


def _fits(public: bytes, signature: bytes, message: bytes) -> bool:
    if len(public) != 65 or public[0] != 4 or len(signature) != 64:
        raise ValueError("the public key or the signature has another length than SM2 has")
    verifier = SM2(uid=USER_IDENTITY, pk=public)
    return bool(verifier.verify_pk(public) and verifier.verify(message, signature[:32], signature[32:]))

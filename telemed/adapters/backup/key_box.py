"""The keys of an installation, as a backup keeps them: in clear, or sealed under a passphrase.

Without the key of confidential columns nobody reads identity numbers and telephones again, and the audit trail's signatures cannot
be continued: a backup without keys is half a backup, and a backup with keys in clear is readable by whoever has it.

Sealed: scrypt (RFC 7914; N = 2^17, r = 8, p = 1, as the OWASP Password Storage Cheat Sheet asks) makes the key, AES-256-GCM seals.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from storage import ObjectMissing, ObjectStore
from telemed.adapters.backup.layout import KEYS, BackupRefused
from telemed.adapters.key_files import kept

N, R, P = 2**17, 8, 1
MOST_N: Final = 2**20
"""A file that asks for more is none of ours: it would take a gigabyte to open."""
SEALED_FORM: Final = "telemed-keys-1"
IDENTITY: Final = "identity.key"
"""The key of confidential columns, which an installation is known by."""

Kept = Literal["clear", "sealed", "apart"]


class _Sealed(msgspec.Struct):
    form: str
    n: int
    r: int
    p: int
    salt: bytes
    nonce: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where keys go and come from: `apart` is a place of their own, without one they go to the backup itself."""

    passphrase: str = field(default="", repr=False)
    apart: ObjectStore | None = None

    @property
    def kept(self) -> Kept:
        return "sealed" if self.passphrase else "apart" if self.apart is not None else "clear"


def keys_in(folder: Path) -> dict[str, bytes]:
    """Return the key files of an installation by their names. Blocks. Raises OSError."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".new-"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def digests(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in keys.items()}


def seal(content: bytes, passphrase: str) -> bytes:
    """Blocks: it takes half a second of computing."""
    salt, nonce = os.urandom(16), os.urandom(12)
    key = Scrypt(salt=salt, length=32, n=N, r=R, p=P).derive(passphrase.encode())
    return msgspec.json.encode(_Sealed(SEALED_FORM, N, R, P, salt, nonce, AESGCM(key).encrypt(nonce, content, SEALED_FORM.encode())))


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """Raises BackupRefused where the passphrase is not the one. Blocks."""
    try:
        box = msgspec.json.decode(sealed, type=_Sealed)
        if box.form != SEALED_FORM or box.n > MOST_N or box.r > R or box.p > P:
            raise ValueError
        key = Scrypt(salt=box.salt, length=32, n=box.n, r=box.r, p=box.p).derive(passphrase.encode())
    except (msgspec.DecodeError, ValueError):
        raise BackupRefused("The sealed keys of the backup cannot be read: they were damaged. Nothing was written.") from None
    try:
        return AESGCM(key).decrypt(box.nonce, box.content, SEALED_FORM.encode())
    except InvalidTag:
        raise BackupRefused("The passphrase does not open the keys of this backup. Nothing was written.") from None


async def put_keys(keys: Mapping[str, bytes], snapshot: str, target: ObjectStore, place: KeyPlace) -> None:
    """Store the keys of a snapshot."""
    content = msgspec.json.encode({name: base64.b64encode(value).decode() for name, value in keys.items()})
    ending = ".json"
    if place.passphrase:
        content, ending = await asyncio.to_thread(seal, content, place.passphrase), ".sealed"
    await (place.apart or target).put(f"{KEYS}{snapshot}{ending}", content)


async def read_keys(snapshot: str, expected: Mapping[str, str], target: ObjectStore, place: KeyPlace) -> dict[str, bytes]:
    """Return the keys of a snapshot, proved. Raises BackupRefused, with what to do, where they are not to be had or are others."""
    for store in filter(None, (place.apart, target)):
        for ending in (".json", ".sealed"):
            try:
                content = await store.read(f"{KEYS}{snapshot}{ending}")
            except ObjectMissing:
                continue
            return await _opened(content, expected, place.passphrase if ending == ".sealed" else None)
    raise BackupRefused(
        "The keys of this backup are not in it: they were kept apart. Name their place with --keys; without them identity numbers and "
        "telephones cannot be read again. Nothing was written."
    )


async def _opened(content: bytes, expected: Mapping[str, str], passphrase: str | None) -> dict[str, bytes]:
    if passphrase is not None:
        if not passphrase:
            raise BackupRefused("The keys of this backup are sealed: give the passphrase with --passphrase-file. Nothing was written.")
        content = await asyncio.to_thread(unseal, content, passphrase)
    try:
        found = {name: base64.b64decode(value) for name, value in msgspec.json.decode(content, type=dict[str, str]).items()}
    except (msgspec.DecodeError, ValueError):
        found = {}
    check_keys(found, expected)
    return found


def check_keys(found: Mapping[str, bytes], expected: Mapping[str, str]) -> None:
    """Raises BackupRefused where keys are not those that the backup was made with."""
    wrong = sorted(name for name, digest in expected.items() if hashlib.sha256(found.get(name, b"")).hexdigest() != digest)
    if wrong:
        raise BackupRefused(f"{', '.join(wrong)} is not the key that this backup was made with. Nothing was written.")


def write_keys(keys: Mapping[str, bytes], folder: Path) -> None:
    """Write key files, 0600 in folders 0700. Blocks. Raises OSError."""
    for name, content in keys.items():
        path = folder / name
        if ".." in path.parts or not path.is_relative_to(folder):
            raise BackupRefused(f"The backup names a key file {name[:80]!r}, which would lie outside of the folder of keys.")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept(path, partial(bytes, content))

"""What a backup consists of: names of its objects, and the manifest of one snapshot.

    telemed-backup.json               whose backup this is
    pool/<2>/<sha256>                 one object, or a piece of the database; the name is the SHA-256 of the content
    packs/<2>/<sha256>                the objects of one pack, one behind another (`telemed.adapters.backup.pool`)
    keys/<snapshot>.json, .sealed     keys of the installation, in clear or under a passphrase
    snapshots/<snapshot>/objects.jsonl.gz     which key each object of the store has
    snapshots/<snapshot>/configuration.json   settings, without secrets
    snapshots/<snapshot>/manifest.sig         signature over the manifest
    snapshots/<snapshot>/manifest.json        written last: a snapshot without it is none

All snapshots share pool and packs. A snapshot is named by its moment in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

FORM: Final = "telemed-backup-1"
MARKER: Final = "telemed-backup.json"
POOL: Final = "pool/"
PACKS: Final = "packs/"
SNAPSHOTS: Final = "snapshots/"
KEYS: Final = "keys/"

CHUNK: Final = 256 << 10
"""Bytes of a piece of the database: what did not change since the last snapshot is not copied again."""

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"


class BackupRefused(Exception):
    """A backup or a restore cannot be done; the message is a plain sentence, and nothing that was there has been changed."""


class Marker(msgspec.Struct, frozen=True):
    """`installation` is the SHA-256 of the key of confidential columns: backups of two installations are not mixed."""

    form: str
    installation: str


class DatabaseFile(msgspec.Struct, frozen=True):
    """The file of an embedded database, or the rows of one table of a server's (PostgreSQL's text form of COPY)."""

    name: str
    size: int
    chunks: list[str]
    columns: list[str] = []


class DatabaseCopy(msgspec.Struct, frozen=True):
    """The database at one moment. `revisions`: its schema. `sequences`: numbers that a server has given last."""

    kind: str
    revisions: list[str]
    audit_end: int
    files: list[DatabaseFile]
    sequences: dict[str, int] = {}

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


class Manifest(msgspec.Struct, frozen=True):
    """One snapshot. `keys`: names of the installation's key files and their SHA-256; `keys_kept`: `clear`, `sealed` or `apart`.

    `faults`: objects that the database names and the store did not have, or not as they are on record, in sentences.
    """

    form: str
    version: str
    snapshot: str
    taken_at: datetime
    installation: str
    database: DatabaseCopy
    objects: int
    bytes: int
    list_sha256: str
    configuration_sha256: str
    keys: dict[str, str]
    keys_kept: str
    faults: list[str] = []
    warnings: list[str] = []


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the list: an object of the store, or all of one pack. `size` in bytes, of all contents together."""

    key: str
    digest: str
    size: int
    packed: int = 0

    @property
    def pool_key(self) -> str:
        return packs_key(self.digest) if self.packed else pool_key(self.digest)


def pool_key(digest: str) -> str:
    return f"{POOL}{digest[:2]}/{digest}"


def packs_key(digest: str) -> str:
    return f"{PACKS}{digest[:2]}/{digest}"


def snapshot_name(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def manifest_key(snapshot: str) -> str:
    return f"{SNAPSHOTS}{snapshot}/manifest.json"


def signature_key(snapshot: str) -> str:
    return f"{SNAPSHOTS}{snapshot}/manifest.sig"


def list_key(snapshot: str) -> str:
    return f"{SNAPSHOTS}{snapshot}/objects.jsonl.gz"


def configuration_key(snapshot: str) -> str:
    return f"{SNAPSHOTS}{snapshot}/configuration.json"

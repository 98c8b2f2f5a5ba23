"""Lookup of SOP Instance UIDs in the embedded index, from a thread."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

InstanceKey = tuple[str, str]  # owner, SOP Instance UID
ContentDigest = str  # `dicom_gateway.part10.data_set_digest`: the transfer syntax is in it

_OF_ONE = """
SELECT sop_instance_uid, data_set_sha256 FROM dicom_instance
WHERE owner = ? AND sop_instance_uid = ?
"""
# One statement whatever the number of UIDs: it is prepared once. It takes twice as long as that for one.
_OF_MANY = """
SELECT sop_instance_uid, data_set_sha256 FROM dicom_instance
WHERE owner = ? AND sop_instance_uid IN (SELECT value FROM json_each(?))
"""


class InstanceLookup:
    """Reads the SQLite database at `path`. For one thread at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def find(self, keys: Iterable[InstanceKey]) -> Mapping[InstanceKey, ContentDigest]:
        """Return the digests of the instances among `keys` that the index has. Raises `sqlite3.Error`."""
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA query_only = ON")
        by_owner: dict[str, list[str]] = defaultdict(list)
        for owner, uid in keys:
            by_owner[owner].append(uid)
        return {
            (owner, uid): digest for owner, uids in by_owner.items() for uid, digest in self._connection.execute(*_question(owner, uids))
        }

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _question(owner: str, uids: list[str]) -> tuple[str, tuple[str, str]]:
    if len(uids) == 1:
        return _OF_ONE, (owner, uids[0])
    return _OF_MANY, (owner, msgspec.json.encode(uids).decode())

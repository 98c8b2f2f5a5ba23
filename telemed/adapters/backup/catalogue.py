"""What one snapshot has to hold, and what the pool has already: in a temporary file, since it may be millions of names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from storage.packs import split_key
from telemed.adapters.backup.layout import packs_key, pool_key
from telemed.adapters.backup.pool import Member, digest_of_members


@dataclass(frozen=True, slots=True)
class Unit:
    """What is copied at once: an object, or the objects of one pack. `digest` is empty where none is on record."""

    key: str
    digest: str
    members: tuple[Member, ...] = field(default=())
    needed: bool = True

    @property
    def pool_key(self) -> str:
        return packs_key(self.digest) if self.members else pool_key(self.digest)


class Catalogue:
    """Every method blocks. One thread at a time."""

    def __init__(self, file: Path) -> None:
        self._rows = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._rows.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE object (key TEXT PRIMARY KEY, sha256 TEXT, needed INTEGER) WITHOUT ROWID;"
            "CREATE TABLE have (key TEXT PRIMARY KEY) WITHOUT ROWID;"
            "CREATE TABLE before (key TEXT PRIMARY KEY, digest TEXT, size INTEGER) WITHOUT ROWID;"
        )

    def begin(self) -> None:
        """Forget the objects: a new snapshot of the database names them anew."""
        self._rows.execute("DELETE FROM object")

    def add(self, objects: Iterable[tuple[str, str]], *, needed: bool = True) -> None:
        """Take pairs of key and SHA-256 (empty: none is on record)."""
        rows = ((key, sha256, needed) for key, sha256 in objects)
        self._in_one(lambda: self._rows.executemany("INSERT OR IGNORE INTO object VALUES (?, ?, ?)", rows))

    def note(self, keys: Iterable[str]) -> None:
        """The pool has these keys."""
        self._in_one(lambda: self._rows.executemany("INSERT OR IGNORE INTO have VALUES (?)", ((key,) for key in keys)))

    def remember(self, lines: Iterable[tuple[str, str, int]]) -> None:
        """The snapshot before had these: key, digest and size."""
        self._in_one(lambda: self._rows.executemany("INSERT OR REPLACE INTO before VALUES (?, ?, ?)", lines))

    def has(self, key: str) -> bool:
        return self._rows.execute("SELECT 1 FROM have WHERE key = ?", (key,)).fetchone() is not None

    def before(self, key: str) -> tuple[str, int] | None:
        """Digest and size of a key in the snapshot before."""
        found: tuple[str, int] | None = self._rows.execute("SELECT digest, size FROM before WHERE key = ?", (key,)).fetchone()
        return found

    def count(self) -> int:
        """How many objects the snapshot holds."""
        return int(self._rows.execute("SELECT count(*) FROM object").fetchone()[0])

    def units(self) -> Iterator[Unit]:
        """All that the snapshot holds, in the order of keys."""
        rows = self._rows.execute("SELECT key, sha256, needed FROM object ORDER BY key")
        for pack, group in groupby(rows, lambda row: (split_key(row[0]) or ("", 0))[0]):
            if not pack:
                yield from (Unit(key, sha256, needed=bool(needed)) for key, sha256, needed in group)
                continue
            places = ((split_key(key), sha256) for key, sha256, _ in group)
            members = tuple(sorted((Member(place[1], sha256) for place, sha256 in places if place), key=lambda m: m.offset))
            yield Unit(pack, digest_of_members(members), members)

    def unwanted(self) -> Iterator[str]:
        """Keys of the pool that were noted, `wanted` ones taken away."""
        yield from (row[0] for row in self._rows.execute("SELECT key FROM have"))

    def want(self, keys: Iterable[str]) -> None:
        """These are named by a snapshot: they are no waste."""
        self._in_one(lambda: self._rows.executemany("DELETE FROM have WHERE key = ?", ((key,) for key in keys)))

    def close(self) -> None:
        self._rows.close()

    def _in_one(self, work: Callable[[], object]) -> None:
        self._rows.execute("BEGIN")
        work()
        self._rows.execute("COMMIT")

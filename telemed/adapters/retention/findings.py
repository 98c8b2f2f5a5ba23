"""What is found of a record while its rows are taken away: counts, digests, objects that are to go, names as digests."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from telemed.adapters.stored_objects import RecordedObject

REPORT, STUDY = "report", "study"
"""Kinds of names that are kept as digests."""


def name_digest(*parts: str) -> str:
    """Return the SHA-256 by which a name is known again, and which tells nobody the name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(slots=True)
class Findings:
    """`counts`: rows by table; `keys`: of objects, with / at the end of all below; `names`: kind, digest, digest of the content."""

    counts: Counter[str] = field(default_factory=Counter)
    digests: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    names: set[tuple[str, str, str]] = field(default_factory=set)

    def take(self, objects: Iterable[RecordedObject]) -> None:
        for stored in objects:
            self.keys.add(stored.key)
            if stored.sha256:
                self.digests.append(stored.sha256)

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted digests of all contents, one on a line: who has the contents can prove that these were they."""
        return hashlib.sha256("\n".join(sorted(self.digests)).encode()).hexdigest()

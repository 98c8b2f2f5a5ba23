"""The audit trail as a hash chain: each record's digest covers the record and the digest before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters.database.tables import audit
from telemed.domain.audit import AuditRecord

GENESIS = "0" * 64
CHAIN_LOCK = 0x7E1E_4ED0
"""PostgreSQL advisory lock of the chain's end; on SQLite the one writer holds it by being the one writer."""

MISSING = "missing"

FIELDS = ("at", "action", "actor", "institution", "subject", "outcome", "detail")


@dataclass(frozen=True, slots=True)
class ChainFault:
    """A record that does not fit: its position and what is wrong; of several that are missing, the last one."""

    position: int
    reason: str
    until: int | None = None

    @property
    def sentence(self) -> str:
        verb = "are" if self.until else "is"
        who = f"records {self.position} to {self.until}" if self.until else f"record {self.position}"
        return f"{who} {verb} {self.reason}" if self.reason == MISSING else f"{who} {self.reason}"


def digest_of(position: int, previous: str, record: Mapping[Any, Any]) -> str:
    """SHA-256 over the position, the digest before, and the fields in fixed order as canonical JSON.

    Digests of the record stand at the end, where there are some: a record without is as it was before there were any.
    """
    fields = [record["at"].astimezone(UTC).isoformat(timespec="microseconds"), *(record[name] for name in FIELDS[1:])]
    if record["attested"] is not None:
        fields.append(record["attested"])
    content = msgspec.json.encode([position, previous, *fields], order="deterministic")
    return hashlib.sha256(content).hexdigest()


async def append(connection: AsyncConnection, records: Sequence[AuditRecord], attested: Mapping[str, str] | None = None) -> None:
    """Put the records at the end of the chain. Call it last in a transaction: it holds the chain's end until the commit.

    `attested` are digests of what the transaction wrote of the record (`telemed.domain.attestation`); the last record takes them.
    """
    if not records:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHAIN_LOCK)))
    end = (await connection.execute(sa.select(audit.c.position, audit.c.digest).order_by(audit.c.position.desc()).limit(1))).first()
    position, previous = (end.position, end.digest) if end else (0, GENESIS)
    rows: list[dict[str, Any]] = []
    for record in records:
        position += 1
        fields = {name: getattr(record, name) for name in FIELDS}
        fields["detail"] = msgspec.to_builtins(dict(record.detail))
        fields["attested"] = dict(attested) if attested and len(rows) + 1 == len(records) else None
        digest = digest_of(position, previous, fields)
        rows.append({"position": position, "previous": previous, "digest": digest, **fields})
        previous = digest
    await connection.execute(sa.insert(audit), rows)


def first_fault(rows: Iterable[Mapping[Any, Any]], position: int = 0, previous: str = GENESIS) -> tuple[ChainFault | None, int, str]:
    """Walk rows in order from the given end. Returns the first fault or None, and the new end."""
    walk = ChainWalk(position, previous)
    for row in rows:
        if fault := walk.take(row):
            return fault, fault.position, walk.before
    return None, walk.position, walk.previous


class UnreadableRow(dict[str, Any]):
    """A record one of whose columns holds what its type does not allow: its position, the digest before, and its own."""


class ChainWalk:
    """A walk over the chain that goes on behind a fault: each row that does not fit is one fault, and those after it are none of it."""

    def __init__(self, position: int = 0, previous: str = GENESIS) -> None:
        self.position, self.previous, self.before = position, previous, previous
        self._right = previous

    def take(self, row: Mapping[Any, Any]) -> ChainFault | None:
        """Take the next row, in order of positions. Returns what is wrong with it, or None."""
        position, previous, digest = row["position"], row["previous"], row["digest"]
        expected, follows = self.position + 1, (self.previous, self._right)  # which of the two was changed, this record tells
        readable = not isinstance(row, UnreadableRow)
        self.position, self.before, self.previous = position, self.previous, digest
        self._right = digest_of(position, previous, row) if readable else digest
        if position != expected:
            return ChainFault(expected, MISSING, position - 1 if position - 1 > expected else None)
        if not readable:
            return ChainFault(expected, "cannot be read any more")
        if previous not in follows:
            return ChainFault(expected, "does not follow the record before it")
        return None if digest == self._right else ChainFault(expected, "was changed")

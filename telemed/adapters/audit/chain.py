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

FIELDS = ("at", "action", "actor", "institution", "subject", "outcome", "detail")


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first record that does not fit: its position and what is wrong."""

    position: int
    reason: str


def digest_of(position: int, previous: str, record: Mapping[Any, Any]) -> str:
    """SHA-256 over the position, the digest before, and the fields in fixed order as canonical JSON."""
    fields = [record["at"].astimezone(UTC).isoformat(timespec="microseconds"), *(record[name] for name in FIELDS[1:])]
    content = msgspec.json.encode([position, previous, *fields], order="deterministic")
    return hashlib.sha256(content).hexdigest()


async def append(connection: AsyncConnection, records: Sequence[AuditRecord]) -> None:
    """Put the records at the end of the chain. Call it last in a transaction: it holds the chain's end until the commit."""
    if not records:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHAIN_LOCK)))
    end = (await connection.execute(sa.select(audit.c.position, audit.c.digest).order_by(audit.c.position.desc()).limit(1))).first()
    position, previous = (end.position, end.digest) if end else (0, GENESIS)
    rows = []
    for record in records:
        position += 1
        fields = {name: getattr(record, name) for name in FIELDS}
        fields["detail"] = msgspec.to_builtins(dict(record.detail))
        digest = digest_of(position, previous, fields)
        rows.append({"position": position, "previous": previous, "digest": digest, **fields})
        previous = digest
    await connection.execute(sa.insert(audit), rows)


def first_fault(rows: Iterable[sa.RowMapping], position: int = 0, previous: str = GENESIS) -> tuple[ChainFault | None, int, str]:
    """Walk rows in order from the given end. Returns the first fault or None, and the new end."""
    for row in rows:
        position += 1
        if row["position"] != position:
            return ChainFault(position, "missing"), position, previous
        if row["previous"] != previous:
            return ChainFault(position, "does not follow the record before it"), position, previous
        if row["digest"] != digest_of(position, previous, row):
            return ChainFault(position, "was changed"), position, previous
        previous = row["digest"]
    return None, position, previous

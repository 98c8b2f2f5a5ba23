"""The daily volumes: one row for each institution, day and kind, added to in the transaction in which something happened.

Seven million images a month are counted by reading some thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database.repositories.base import insert_into
from telemed.adapters.database.tables import daily_volume


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """An amount to be added. `day` is a day of the region; `items` are cases, reports or pieces of evidence, `parts` images."""

    day: date
    institution: str
    kind: str
    centre: str
    hub: str
    items: int
    parts: int
    last_at: datetime

    @property
    def key(self) -> tuple[date, str, str, str, str]:
        return (self.day, self.institution, self.kind, self.centre, self.hub)


def summed(rows: Iterable[VolumeRow]) -> list[VolumeRow]:
    """One row for each key, in the order of keys: writers that take rows in one order never wait for each other in a ring."""
    found: dict[tuple[date, str, str, str, str], VolumeRow] = {}
    for row in rows:
        known = found.get(row.key)
        if known is not None:
            row = replace(row, items=known.items + row.items, parts=known.parts + row.parts, last_at=max(known.last_at, row.last_at))
        found[row.key] = row
    return [found[key] for key in sorted(found)]


def add_volumes(connection: sa.Connection, rows: Iterable[VolumeRow]) -> None:
    """Add to what is there."""
    values = [asdict(row) for row in summed(rows)]
    if not values:
        return
    connection.execute(_addition(connection.dialect.name), values)


@cache
def _addition(dialect: str) -> Any:
    """Made once: making it takes longer than running it."""
    insert = insert_into(dialect, daily_volume)
    new, kept = insert.excluded, daily_volume.c
    return insert.on_conflict_do_update(
        index_elements=list(daily_volume.primary_key),
        set_={
            "items": kept["items"] + new["items"],
            "parts": kept.parts + new.parts,
            "last_at": sa.case((new.last_at > kept.last_at, new.last_at), else_=kept.last_at),
        },
    )

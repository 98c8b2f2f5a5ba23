"""The region's tables, read and written as one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_into
from telemed.adapters.database.repositories.region import (
    DISTRICTS,
    NAME,
    entity_from_row,
    entity_to_row,
    holiday_from_row,
    institution_from_row,
    institution_to_row,
    service_from_row,
    service_to_row,
)
from telemed.domain.device import as_it_stands
from telemed.domain.region import HomeHubs, RegionContent, entry_of, ordered
from telemed.service.ports.region import DEMONSTRATION

REGION_LOCK = 7_265_676_001
"""Advisory lock of PostgreSQL: who writes the region waits for who wrote it before. SQLite has one writer anyway."""

APART = frozenset({NAME, DISTRICTS, DEMONSTRATION})
"""Settings that have a place of their own, or are no part of a region's file."""

Row = dict[str, Any]
Rows = Mapping[tuple[Any, ...], Row]


class RegionTables(Repository):
    async def content(self) -> RegionContent:
        if not self._reading and self._connection.dialect.name == "postgresql":
            await self._do(sa.select(sa.func.pg_advisory_xact_lock(REGION_LOCK)))
        settings = {row["name"]: row["value"] for row in await self._all(sa.select(t.region_setting))}
        homes = await self._all(sa.select(t.home_hub))
        return ordered(
            RegionContent(
                name=str(settings.get(NAME) or ""),
                districts=tuple(settings.get(DISTRICTS) or ()),
                institutions=tuple(institution_from_row(row) for row in await self._all(sa.select(t.institution))),
                hubs=tuple(service_from_row(row) for row in await self._all(sa.select(t.hub_service))),
                homes=tuple(HomeHubs(row["member"], {row["centre"]: row["hub"]}) for row in homes),
                holidays=tuple(holiday_from_row(row) for row in await self._all(sa.select(t.holiday))),
                devices=tuple(entry_of(entity_from_row(row)) for row in await self._all(sa.select(t.application_entity))),
                settings={name: value for name, value in settings.items() if name not in APART},
            )
        )

    async def save(self, before: RegionContent, after: RegionContent) -> None:
        old, new = _rows(before), _rows(after)
        for table in new:
            await self._write(table, old[table], new[table])

    async def _write(self, table: sa.Table, old: Rows, new: Rows) -> None:
        keys = [column.name for column in table.primary_key]
        for key in old.keys() - new.keys():
            named = (column == value for column, value in zip(table.primary_key, key, strict=True))
            await self._do(sa.delete(table).where(*named))
        changed = [row for key, row in new.items() if old.get(key) != row]
        for row in changed:
            statement = insert_into(self._connection.dialect.name, table).values(row)
            others = {name: statement.excluded[name] for name in row if name not in keys}
            await self._do(statement.on_conflict_do_update(index_elements=keys, set_=others))


def _rows(content: RegionContent) -> dict[sa.Table, Rows]:
    """The rows of a region by their keys, tables in the order in which they refer to each other."""
    apart = {NAME: content.name, DISTRICTS: list(content.districts)}
    settings = {name: value for name, value in apart.items() if value} | dict(content.settings)
    homes = [{"centre": centre, "member": home.member, "hub": hub} for home in content.homes for centre, hub in home.hubs.items()]
    holidays = [{"day": each.day, "hub": each.hub, "duty": each.duty.value, "name": each.name} for each in content.holidays]
    return {
        t.institution: _by_key(t.institution, map(institution_to_row, content.institutions)),
        t.hub_service: _by_key(t.hub_service, map(service_to_row, content.hubs)),
        t.home_hub: _by_key(t.home_hub, homes),
        t.holiday: _by_key(t.holiday, holidays),
        t.application_entity: _by_key(t.application_entity, (entity_to_row(as_it_stands(each)) for each in content.devices)),
        t.region_setting: _by_key(t.region_setting, ({"name": name, "value": value} for name, value in settings.items())),
    }


def _by_key(table: sa.Table, rows: Iterable[Row]) -> Rows:
    return {tuple(row[column.name] for column in table.primary_key): row for row in rows}

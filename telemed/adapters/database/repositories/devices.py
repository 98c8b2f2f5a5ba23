"""The network's devices as rows."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository, insert_or_nothing
from telemed.adapters.database.repositories.region import entity_from_row, entity_to_row
from telemed.domain.device import DeviceCall
from telemed.domain.network import ApplicationEntity


class DeviceTable(Repository):
    async def all(self) -> list[ApplicationEntity]:
        c = t.application_entity.c
        return [entity_from_row(row) for row in await self._all(sa.select(t.application_entity).order_by(c.institution, c.title))]

    async def get(self, title: str) -> ApplicationEntity | None:
        row = await self._one(self._locked(sa.select(t.application_entity).where(t.application_entity.c.title == title)))
        return entity_from_row(row) if row else None

    async def add(self, device: ApplicationEntity) -> bool:
        return bool((await self._do(insert_or_nothing(self._connection, t.application_entity).values(entity_to_row(device)))).rowcount)

    async def save(self, device: ApplicationEntity) -> None:
        await self._do(sa.update(t.application_entity).where(t.application_entity.c.title == device.title).values(entity_to_row(device)))

    async def remove(self, title: str) -> None:
        await self._do(sa.delete(t.application_entity).where(t.application_entity.c.title == title))

    async def calls(self) -> list[DeviceCall]:
        return [DeviceCall(**row) for row in await self._all(sa.select(t.device_call).order_by(t.device_call.c.called_at.desc()))]

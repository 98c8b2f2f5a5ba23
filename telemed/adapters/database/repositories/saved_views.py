"""Saved views in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Repository
from telemed.service.ports.saved_views import SavedView


class SavedViewTable(Repository):
    async def save(self, username: str, view: SavedView) -> None:
        await self.remove(username, view.name)
        await self._do(sa.insert(t.saved_view).values(username=username, name=view.name, query=view.query))

    async def remove(self, username: str, name: str) -> bool:
        done = await self._do(sa.delete(t.saved_view).where(t.saved_view.c.username == username, t.saved_view.c.name == name))
        return done.rowcount > 0

    async def of(self, username: str) -> list[SavedView]:
        query = sa.select(t.saved_view.c.name, t.saved_view.c.query).where(t.saved_view.c.username == username)
        return [SavedView(row["name"], row["query"]) for row in await self._all(query.order_by(t.saved_view.c.name))]

"""Application entities of the network."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.device import DeviceCall
from telemed.domain.network import ApplicationEntity


class Devices(Protocol):
    async def all(self) -> list[ApplicationEntity]: ...
    async def get(self, title: str) -> ApplicationEntity | None: ...
    async def add(self, device: ApplicationEntity) -> bool:
        """False where one of this title is there already."""
        ...

    async def save(self, device: ApplicationEntity) -> None: ...
    async def remove(self, title: str) -> None: ...
    async def calls(self) -> list[DeviceCall]:
        """The last call under each AE title, newest first."""
        ...

"""Studies on their way to other systems and back."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.transfer import Transfer


class Transfers(Protocol):
    async def add(self, transfer: Transfer) -> None: ...
    async def get(self, transfer_id: str) -> Transfer | None:
        """The transfer, locked for the rest of a writing transaction."""
        ...

    async def save(self, transfer: Transfer) -> None: ...
    async def of_case(self, case_id: str) -> list[Transfer]:
        """The case's transfers, newest first."""
        ...

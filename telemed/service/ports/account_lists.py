"""Reading lists of accounts, as spreadsheet programs write them."""

from __future__ import annotations

from typing import Protocol

from telemed.domain.account_list import AccountList


class AccountListReader(Protocol):
    async def read(self, content: bytes) -> AccountList:
        """The cells of a CSV or XLSX file, read away from the event loop. Raises Invalid for what is none, or passes a bound."""
        ...

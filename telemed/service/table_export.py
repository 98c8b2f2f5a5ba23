"""A document of tables, in the reader's words, ready to be written as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """`share` of the table's width; numbers stand right."""

    label: str
    number: bool = False
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class SheetTable:
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`language` is a BCP 47 tag; `empty` is said where a table has no rows."""

    title: str
    subtitle: str
    tables: Sequence[SheetTable]
    language: str
    empty: str = ""


class TableExporter(Protocol):
    """Writes a sheet as `csv`, `xlsx` or `pdf`, away from the event loop. A text never becomes a formula."""

    async def write(self, sheet: Sheet, kind: str) -> bytes: ...

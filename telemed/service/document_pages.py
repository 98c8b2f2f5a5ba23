"""Pages of a document as pictures, so that nobody's browser has to open what a stranger sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from telemed.domain.errors import DomainError


class Undrawable(DomainError):
    """The document cannot be shown as pictures; it can still be fetched as it is."""

    code = "undrawable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PageSize:
    """Width and height in points (1/72 inch), the page standing upright."""

    width: float
    height: float


class DocumentPages(Protocol):
    """Draws PDF documents of the object store. Both raise Undrawable."""

    async def sizes(self, key: str, size: int) -> Sequence[PageSize]:
        """The pages of the object `key` of `size` bytes, the first `MAX_PAGES` of them."""
        ...

    async def draw(self, key: str, size: int, number: int) -> bytes:
        """One page, counted from 1, as PNG."""
        ...


MAX_PAGES = 300
"""More pages than a record sent along has; the rest is there in the file itself."""

"""Pages of a document as pictures, so that nobody's browser has to open what a stranger sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from telemed.domain.errors import DomainError
from telemed.domain.people import Person


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


@dataclass(frozen=True, slots=True)
class EncapsulatedDocument:
    """A PDF document out of a DICOM object, and the digest of that object."""

    sha256: str
    content: bytes


class EncapsulatedDocuments(Protocol):
    """Documents that DICOM objects carry."""

    async def find(self, person: Person, study: str, series: str, instance: str) -> EncapsulatedDocument:
        """The document of an object that this person may fetch. Raises NotFound, Forbidden or Undrawable."""
        ...

    async def sizes(self, document: EncapsulatedDocument) -> Sequence[PageSize]:
        """The pages, the first `MAX_PAGES` of them. Raises Undrawable."""
        ...

    async def draw(self, document: EncapsulatedDocument, number: int) -> bytes:
        """One page, counted from 1, as PNG. Raises Undrawable."""
        ...


MAX_PAGES = 300
"""More pages than a record sent along has; the rest is there in the file itself."""

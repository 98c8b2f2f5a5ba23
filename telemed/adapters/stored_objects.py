"""Objects of the store by noun: which of them a row names, and with which digest.

`telemed verify` reads what is on record, the sweep (`telemed.adapters.object_sweep`) looks for what is not. A centre adds the
objects of its own tables.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dicom_gateway.compact.store import FOLDER as COMPACT
from dicom_gateway.compact.store import original_key
from dicom_gateway.index import dicom_conflict, dicom_instance, dicom_quarantine
from telemed.adapters.audit.anchors import FOLDER as ANCHORS
from telemed.adapters.database import tables as t
from telemed.service.rendering import report_key

PAGE: Final = 2000
"""Rows of one question."""


@dataclass(frozen=True, slots=True)
class RecordedObject:
    """An object as it is on record. `sha256` is in hex digits, empty where the record has none."""

    key: str
    sha256: str


class StoredObjects(Protocol):
    """The objects of one noun."""

    @property
    def noun(self) -> str: ...
    @property
    def prefixes(self) -> tuple[str, ...]:
        """The beginnings of their keys. No other noun has keys that begin so."""
        ...

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> Collection[str]:
        """Return those of `keys`, all of this noun and at most `PAGE`, that the installation still wants."""
        ...

    def recorded(self, engine: AsyncEngine) -> AsyncIterator[RecordedObject]:
        """Yield every object that has a record of its own."""
        ...

    async def of_case(self, connection: AsyncConnection, case_id: str) -> Sequence[RecordedObject]:
        """Return the objects that go when the case is erased. A key that ends with / stands for all that lies below."""
        ...


async def rows_of(engine: AsyncEngine, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
    """Return the rows of a question, asked in a transaction of its own: a walk over a table holds none."""
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        rows: Sequence[sa.RowMapping] = (await connection.execute(query)).mappings().all()
    return rows


@dataclass(frozen=True, slots=True)
class ObjectsByColumn:
    """Objects that are named by columns of key and digest. `of_others`: tables that name a case, and hold what is not of it."""

    noun: str
    prefixes: tuple[str, ...]
    columns: tuple[tuple[sa.Column[Any], sa.Column[Any]], ...]
    of_others: tuple[sa.FromClause, ...] = ()

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for key, _digest in self.columns:
            found.update((await connection.execute(sa.select(key).where(key.in_(keys)))).scalars())
        return found

    async def recorded(self, engine: AsyncEngine) -> AsyncIterator[RecordedObject]:
        for key, digest in self.columns:
            last = ""
            while rows := await rows_of(engine, sa.select(key, digest).where(key > last).order_by(key).limit(PAGE)):
                for row in rows:
                    yield RecordedObject(row[key], row[digest])
                last = rows[-1][key]

    async def of_case(self, connection: AsyncConnection, case_id: str) -> list[RecordedObject]:
        found = []
        for key, digest in self.columns:
            if key.table not in self.of_others and "case_id" in key.table.c:
                rows = await connection.execute(sa.select(key, digest).where(key.table.c.case_id == case_id, key != ""))
                found += [RecordedObject(*row) for row in rows.all()]
        return found


EVIDENCE: Final = ObjectsByColumn(
    "evidence", ("evidence/",), tuple((table.c.key, table.c.sha256) for table in (t.evidence, t.file_aside)), of_others=(t.file_aside,)
)

DICOM: Final = ObjectsByColumn(
    "dicom",
    ("dicom/", "quarantine/"),
    tuple((table.c.object_key, table.c.sha256) for table in (dicom_instance, dicom_conflict, dicom_quarantine)),
)

SIGNING: Final = ("sign", "review")
"""Steps of a case's history that name a PDF by its digest."""


class ReportObjects:
    """PDFs of reports: that of each version, and those before it that the history names, such as the one of the first signature."""

    noun = "report"
    prefixes = ("reports/",)

    def __init__(self) -> None:
        self._current = ObjectsByColumn(self.noun, self.prefixes, ((t.report.c.pdf_key, t.report.c.pdf_sha256),))

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        found = await self._current.named(connection, keys)
        cases = {key.split("/")[1] for key in keys if key not in found}
        e = t.case_event.c
        history = await connection.execute(sa.select(e.case_id, e.detail).where(e.case_id.in_(cases), e.action.in_(SIGNING)))
        return found | {pdf.key for pdf in map(_signed_pdf, history.mappings().all()) if pdf is not None}

    async def recorded(self, engine: AsyncEngine) -> AsyncIterator[RecordedObject]:
        async for pdf in self._current.recorded(engine):
            yield pdf
        e, last = t.case_event.c, 0
        signed = sa.select(e.case_id, e.detail, e.id).where(e.action.in_(SIGNING)).order_by(e.id).limit(PAGE)
        while rows := await rows_of(engine, signed.where(e.id > last)):
            pdfs = {pdf.key: pdf for pdf in map(_signed_pdf, rows) if pdf is not None}
            current = await rows_of(engine, sa.select(t.report.c.pdf_key).where(t.report.c.pdf_key.in_(pdfs)))
            for key in pdfs.keys() - {row["pdf_key"] for row in current}:
                yield pdfs[key]
            last = rows[-1]["id"]

    async def of_case(self, connection: AsyncConnection, case_id: str) -> list[RecordedObject]:
        r, e = t.report.c, t.case_event.c
        current = await connection.execute(sa.select(r.pdf_key, r.pdf_sha256).where(r.case_id == case_id, r.pdf_key != ""))
        found = {key: RecordedObject(key, digest) for key, digest in current.all()}
        history = await connection.execute(sa.select(e.case_id, e.detail).where(e.case_id == case_id, e.action.in_(SIGNING)))
        found |= {pdf.key: pdf for pdf in map(_signed_pdf, history.mappings().all()) if pdf is not None}
        return [*found.values(), RecordedObject(f"reports/{case_id}/", "")]


def _signed_pdf(step: sa.RowMapping) -> RecordedObject | None:
    """The PDF that a step of the history names."""
    version, digest = step["detail"].get("version"), step["detail"].get("pdf_sha256")
    return RecordedObject(report_key(step["case_id"], version, digest), digest) if version and digest else None


class _WithoutRecords:
    """Objects that have no record of their own."""

    async def recorded(self, engine: AsyncEngine) -> AsyncIterator[RecordedObject]:
        nothing: tuple[RecordedObject, ...] = ()
        for each in nothing:
            yield each

    async def of_case(self, connection: AsyncConnection, case_id: str) -> list[RecordedObject]:
        return []


class UploadParts(_WithoutRecords):
    """Parts of uploads that are on their way. What they add up to gets a digest when it is whole."""

    noun = "upload"
    prefixes = ("uploads/",)

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        uploads = {key: key.split("/")[1] for key in keys}
        query = sa.select(t.upload.c.id).where(t.upload.c.id.in_(set(uploads.values())))
        known = set((await connection.execute(query)).scalars())
        return {key for key, upload in uploads.items() if upload in known}

    async def of_case(self, connection: AsyncConnection, case_id: str) -> list[RecordedObject]:
        uploads = (await connection.execute(sa.select(t.upload.c.id).where(t.upload.c.case_id == case_id))).scalars()
        return [RecordedObject(f"uploads/{upload}/", "") for upload in uploads]


class CompactForms(_WithoutRecords):
    """Compact forms of DICOM objects: read, and proved, as the object whose form they are."""

    noun = "compact form"
    prefixes = (COMPACT,)

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        originals = {original_key(key): key for key in keys}
        return {originals[key] for key in await DICOM.named(connection, list(originals))}


@dataclass(frozen=True)
class UnrecordedObjects(_WithoutRecords):
    """Objects that no row is to name: those of a folder that is kept by itself, or what a trial of the store left behind."""

    noun: str
    prefixes: tuple[str, ...]
    wanted: bool

    async def named(self, connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
        return set(keys) if self.wanted else set()


PLATFORM: Final[tuple[StoredObjects, ...]] = (
    EVIDENCE,
    ReportObjects(),
    DICOM,
    CompactForms(),
    UploadParts(),
    UnrecordedObjects("audit anchor", (ANCHORS,), wanted=True),
    UnrecordedObjects("storage check", ("storage-check/",), wanted=False),
)
"""Objects of every installation. Notes of the trail's end bear a seal of their own (`telemed.adapters.audit.anchors`)."""

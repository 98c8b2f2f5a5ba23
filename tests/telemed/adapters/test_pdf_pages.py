"""Pages of PDF documents as pictures, also of documents that mean harm."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from pypdf import PdfWriter
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from storage import ObjectStore
from telemed.adapters.printing.pdf_pages import PdfPages
from telemed.service.document_pages import PageSize, Undrawable


def document() -> bytes:
    """An upright and a lying A4 page with a line of text each."""
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=A4)
    canvas.drawString(72, 720, "Discharge summary")
    canvas.showPage()
    canvas.setPageSize(landscape(A4))
    canvas.drawString(72, 400, "ECG")
    canvas.save()
    return written.getvalue()


@pytest.fixture
async def pages(store: ObjectStore) -> AsyncIterator[PdfPages]:
    opened = PdfPages(store)
    yield opened
    await opened.close()


async def kept(store: ObjectStore, content: bytes) -> tuple[str, int]:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    await store.put("evidence/x/y", pieces(), media_type="application/pdf")
    return "evidence/x/y", len(content)


async def test_pages_have_their_sizes_and_are_drawn(store: ObjectStore, pages: PdfPages) -> None:
    where = await kept(store, document())
    assert [(round(p.width), round(p.height)) for p in await pages.sizes(*where)] == [(595, 842), (842, 595)]
    with Image.open(io.BytesIO(await pages.draw(*where, 2))) as picture:
        assert (picture.format, picture.size) == ("PNG", (1600, 1132))
        darkest, lightest = picture.convert("L").getextrema()
        assert (darkest < 100, lightest) == (True, 255)  # text on white paper


async def test_a_page_that_is_not_there(store: ObjectStore, pages: PdfPages) -> None:
    where = await kept(store, document())
    with pytest.raises(Undrawable, match="no page 3"):
        await pages.draw(*where, 3)


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-" + bytes(range(256)) * 40, document()[:400]])
async def test_a_damaged_document_is_refused_and_the_next_one_drawn(store: ObjectStore, pages: PdfPages, content: bytes) -> None:
    with pytest.raises(Undrawable):
        await pages.draw(*await kept(store, content), 1)
    assert (await pages.draw(*await kept(store, document()), 1)).startswith(b"\x89PNG")


async def test_a_document_with_a_password_is_refused(store: ObjectStore, pages: PdfPages) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(document()))
    writer.encrypt("secret", algorithm="AES-256")
    locked = io.BytesIO()
    writer.write(locked)
    with pytest.raises(Undrawable):
        await pages.sizes(*await kept(store, locked.getvalue()))


async def test_a_document_that_is_too_large_is_not_even_read(pages: PdfPages) -> None:
    with pytest.raises(Undrawable, match="64 MB"):
        await pages.sizes("evidence/none", 65 * 1024**2)


async def test_a_huge_page_is_drawn_within_bounds(store: ObjectStore, pages: PdfPages) -> None:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(100, 14000))
    canvas.drawString(10, 700, "x")
    canvas.save()
    where = await kept(store, written.getvalue())
    assert await pages.sizes(*where) == [PageSize(100, 14000)]
    with Image.open(io.BytesIO(await pages.draw(*where, 1))) as picture:
        assert picture.height <= 4000

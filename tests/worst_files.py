"""Files that ask for far more than they are worth, each in pieces or whole as a sender would have it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import cache

from pydicom.uid import JPEG2000Lossless

from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.pixels.test_codestream import GREY, lying, siz
from tests.dicom_gateway.test_inflation import grown
from tests.telemed.harness import CARD

MEGABYTE = 1 << 20
ITEM, ITEM_END, SEQUENCE_END = (
    struct.pack("<HHI", 0xFFFE, element, size) for element, size in ((0xE000, 0xFFFFFFFF), (0xE00D, 0), (0xE0DD, 0))
)
CONTENT_SEQUENCE = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
OURS = {"AccessionNumber": "", "PatientID": "", **CARD}
"""Attributes of objects that state the case's patient."""


@cache
def deflated_zeros(megabytes: int = 900) -> bytes:
    """A DICOM object that inflates to that many megabytes, a thousand times its size."""
    return grown(megabytes)


def _sequences(pattern: bytes, megabytes: int) -> bytes:
    plain = part10_of(ct_slice(PixelData=None, **OURS))
    return plain + CONTENT_SEQUENCE + pattern * ((megabytes << 20) // len(pattern)) + SEQUENCE_END


def empty_items(megabytes: int = 60) -> bytes:
    """A DICOM object with a sequence of millions of items in which nothing is."""
    return _sequences(ITEM + ITEM_END, megabytes)


def nested_sequences(megabytes: int = 60, depth: int = 30) -> bytes:
    """A DICOM object whose items hold sequences, whose items hold sequences, as deep as is taken."""
    chain = (ITEM + CONTENT_SEQUENCE) * depth + (SEQUENCE_END + ITEM_END) * depth
    return _sequences(chain, megabytes)


def items_of_defined_length(megabytes: int = 60, depth: int = 25) -> bytes:
    """A DICOM object whose items hold sequences as deep, all with their lengths: nobody has to look into them to pass them."""
    sequence = b""
    for _ in range(depth):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(sequence)) + sequence
        sequence = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, len(item)) + item
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(sequence)) + sequence
    items = item * ((megabytes << 20) // len(item))
    plain = part10_of(ct_slice(PixelData=None, **OURS))
    return plain + struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, len(items)) + items


def too_deep(megabytes: int = 60) -> bytes:
    """A DICOM object whose sequences go down a million levels."""
    return _sequences(ITEM + CONTENT_SEQUENCE, megabytes)


def lying_stream(side: int = 60_000, told: int | None = None) -> bytes:
    """A DICOM object with a JPEG 2000 stream of `side` pixels square, of which nothing is there; its header says `told`, or 64 by 48."""
    sides = {} if told is None else {"Rows": told, "Columns": told}
    return lying(str(JPEG2000Lossless), siz(side, side, samples=1).replace(b"\x07\x01\x01", b"\x0f\x01\x01") + bytes(600), **OURS, **sides)


def sound_image() -> bytes:
    """A DICOM object of 64 by 48 pixels, with nothing wrong."""
    return part10_of(ct_slice(Rows=GREY.shape[0], Columns=GREY.shape[1], PixelData=GREY.tobytes(), **OURS))


@cache
def huge_png(width: int, height: int) -> bytes:
    """A black PNG, whole and true, of a bit for a pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    squeeze, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    packed = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@cache
def zeros_in_a_zip(megabytes: int = 300) -> bytes:
    """A WFDB record of one lead: zeros without end, in a third of a megabyte."""
    packed = io.BytesIO()
    samples = (megabytes << 20) // 2
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.hea", f"a 1 250 {samples}\na.dat 16 200 16 0 0 0 0 II\n")
        with archive.open("a.dat", "w") as file:
            for _ in range(megabytes):
                file.write(bytes(MEGABYTE))
    return packed.getvalue()


def many_elements(count: int = 1_000_000) -> bytes:
    """An HL7 aECG of a million elements."""
    return b'<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3">' + b"<a/>" * count + b"</AnnotatedECG>"


def _pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, the first its catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out) + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"


def pages_in_a_ring() -> bytes:
    """A PDF whose tree of pages leads back to its root, and says that there are a hundred million."""
    return _pdf(
        CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 100000000 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 100000000 >>",
    )


@cache
def bloated_page(megabytes: int = 360, content: bytes = b" ") -> bytes:
    """A PDF with one page, whose drawing takes that many megabytes once inflated."""
    squeeze = zlib.compressobj(9)
    block = (content * (MEGABYTE // len(content) + 1))[:MEGABYTE]
    packed = b"".join(squeeze.compress(block) for _ in range(megabytes)) + squeeze.flush()
    return _pdf(
        CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n" % len(packed) + packed + b"\nendstream",
    )


def small_pdf() -> bytes:
    """A PDF with one empty page."""
    return bloated_page(1)


def bulk_apart(megabytes: int = 400) -> bytes:
    """The parts of a request to store with that much bulk data and no metadata, behind the boundary `b`."""
    return b"--b\r\nContent-Type: application/octet-stream\r\nContent-Location: a\r\n\r\n" + bytes(megabytes << 20) + b"\r\n--b--\r\n"


def metadata_apart(count: int) -> bytes:
    """The same with metadata of so many instances of which nothing is said."""
    return b"--b\r\nContent-Type: application/dicom+json\r\n\r\n[" + b",".join([b"{}"] * count) + b"]\r\n--b--\r\n"

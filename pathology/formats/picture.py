"""A microscope camera's picture: JPEG or PNG in one piece, as one level that is cut into tiles. Its pixel size is not known."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from PIL import Image

from pathology.errors import DamagedTile, Refusal, UnreadableSlide
from pathology.jpeg.codestream import SCAN, read_code_stream
from pathology.limits import MAX_PICTURE_PIXELS, MAX_SCANS
from pathology.slide import Level, Slide
from pathology.source import ByteSource
from pathology.tiles.coding import Pixels

NAME: Final = "picture"
TILE: Final = 512
_HEADER_BYTES: Final = 1 << 20
"""Within these the size is found: profiles and previews stand before it."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(slots=True)
class _Reader:
    """Decodes the picture once, when its first tile is asked for."""

    source: ByteSource
    kind: str
    width: int
    height: int
    _whole: Pixels | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pixels(self, level: int, column: int, row: int) -> Pixels:
        with self._lock:
            if self._whole is None:
                self._whole = self._decoded()
        return self._whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]

    def _decoded(self) -> Pixels:
        content = self.source.read_at(0, self.source.size)
        if self.kind == "JPEG" and content.count(SCAN) > MAX_SCANS:
            raise DamagedTile((0, 0, 0), 0, f"a JPEG of {content.count(SCAN)} scans, at most {MAX_SCANS} are decoded")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture = Image.open(io.BytesIO(content), formats=[self.kind])
                if picture.size != (self.width, self.height):
                    raise ValueError("another size than its header says")
                return np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, struct.error, IndexError) as error:
            raise DamagedTile((0, 0, 0), 0, f"the picture cannot be decoded ({type(error).__name__})") from None

    def close(self) -> None:
        self._whole = None


def recognise(head: bytes) -> bool:
    """True for JPEG and PNG."""
    return head.startswith((_PNG, _JPEG))


def _size(head: bytes, kind: str) -> tuple[int, int]:
    """Width and height by the header. Raises UnreadableSlide where it has none."""
    try:
        if kind == "PNG":
            if head[12:16] != b"IHDR":
                raise ValueError("no image header")
            width, height = struct.unpack_from(">II", head, 16)
        else:
            stream = read_code_stream(head)
            width, height = stream.width, stream.height
    except (struct.error, ValueError) as error:
        raise UnreadableSlide(Refusal.DAMAGED, kind, 0, f"its header cannot be read ({error})") from None
    if not width or not height:
        raise UnreadableSlide(Refusal.DAMAGED, kind, 0, f"a picture of {width} x {height} px")
    return width, height


def read(source: ByteSource) -> Slide:
    """Return a picture as a slide of one level. Raises UnreadableSlide beyond the limits, by the header alone."""
    head = source.read_at(0, min(source.size, _HEADER_BYTES))
    kind = "PNG" if head.startswith(_PNG) else "JPEG"
    width, height = _size(head, kind)
    if width * height > MAX_PICTURE_PIXELS:
        found = f"a picture of {width} x {height} px, at most {MAX_PICTURE_PIXELS} pixels are read in one piece"
        raise UnreadableSlide(Refusal.TOO_LARGE, kind, 0, found, "Export it as pyramidal TIFF.")
    reader = _Reader(source, kind, width, height)
    try:
        reader.pixels(0, 0, 0)
    except DamagedTile as error:
        raise UnreadableSlide(Refusal.DAMAGED, kind, 0, error.reason) from None
    return Slide(kind, (source,), (Level(width, height, TILE, TILE),), reader=reader)

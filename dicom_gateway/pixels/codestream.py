"""The size that a code stream claims, read from its first bytes: what a decoder would reserve memory for.

A decoder believes the code stream, not Rows and Columns of the data set. So both are compared before anything is decoded: a
kilobyte may claim sixty thousand pixels each way. Nothing is decoded here, and whatever the bytes are, the only exception is
`PixelError`.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final, NamedTuple

from dicom_gateway.pixels.errors import PixelError

_JPEG, _JPEG_2000, _JXL = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\xff\x0a"
_JP2_BOX, _JXL_BOX = b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FRAMES: Final = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7})
"""Markers of a frame header: SOF0 to SOF15 (ITU-T T.81 table B.1) and SOF55 of JPEG-LS (ITU-T T.87 C.1.1)."""
_HIERARCHICAL: Final = 0xDE
_SCAN, _END = 0xDA, 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: TEM, RSTm, SOI."""
MAX_BOXES: Final = 1000
MAX_MARKERS: Final = 1000
"""Boxes of a file, and markers of a JPEG header, that are looked at; real ones have a dozen."""
MIN_TILE: Final = 256
"""Pixels of a JPEG 2000 tile below which a frame of many tiles is refused: a decoder keeps some kilobytes for each (practice)."""
MIN_TILES: Final = 1024
"""Tiles that a frame of any size may have (practice)."""


class Size(NamedTuple):
    """The size of a picture: rows, columns, and samples of each pixel (0 where the first bytes do not say)."""

    rows: int
    columns: int
    samples: int


def declared_size(content: bytes) -> Size | None:
    """The size that a JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL or PNG stream claims, None for what is none of these.

    Raises `PixelError` where the stream ends before it says, or contradicts itself.
    """
    try:
        if content.startswith(_JPEG):
            return _jpeg(content)
        if content.startswith(_JPEG_2000):
            return _jpeg_2000(content, 0)
        if content.startswith(_JP2_BOX):
            return _jpeg_2000(content, _in_box(content, b"jp2c"))
        if content.startswith(_JXL):
            return _jpeg_xl(content, 2)
        if content.startswith(_JXL_BOX):
            return _jpeg_xl_in_box(content)
        if content.startswith(_PNG):
            return _png(content)
    except (struct.error, IndexError):
        raise PixelError("the code stream ends before it says how large it is") from None
    return None


def is_signed(content: bytes) -> bool:
    """True if the samples of a JPEG 2000 stream are signed: the upper bit of Ssiz of its first component (ITU-T T.800 table A.11)."""
    try:
        position = _in_box(content, b"jp2c") if content.startswith(_JP2_BOX) else 0
        return content[position : position + 4] == _JPEG_2000 and content[position + 42] >= 0x80
    except (struct.error, IndexError):
        raise PixelError("the code stream ends before it says how large it is") from None


def check_size(content: bytes, rows: int, columns: int, samples: int) -> None:
    """Raises `PixelError` where the code stream claims another size than the header of the object, or none is found in it."""
    claimed = declared_size(content)
    if claimed is None:
        raise PixelError("no code stream of a known kind is there")
    if (claimed.rows, claimed.columns) != (rows, columns) or claimed.samples not in (0, samples):
        said = "×".join(map(str, claimed[: 3 if claimed.samples else 2]))
        raise PixelError(f"the code stream says {said} where the header says {rows}×{columns}×{samples}: it is not decoded")


def check_rle(content: bytes, rows: int, columns: int, bytes_of_pixel: int) -> None:
    """Raises `PixelError` where the segments of an RLE frame (PS3.5 G.5) cannot be those of such a frame.

    A segment holds one byte of each pixel. Packed it is at most twice as long, and two of its bytes stand for at most 128.
    """
    if len(content) < 64:
        raise PixelError("the RLE header is cut off")
    count, *starts = struct.unpack_from("<16I", content)
    if count != bytes_of_pixel:
        raise PixelError(f"{count} RLE segments where the header says {bytes_of_pixel}: the frame is not decoded")
    bounds = [*starts[:count], len(content)]
    expected = rows * columns
    for start, end in pairwise(bounds):
        if not 64 <= start < end <= len(content):
            raise PixelError("the RLE segments do not follow one another")
        if not expected <= (end - start) * 64 <= 128 * expected + 4096:
            raise PixelError(f"an RLE segment of {end - start} bytes cannot hold {expected} pixels: the frame is not decoded")


def _jpeg(content: bytes) -> Size:
    """Every frame header in front of the first scan; they must say the same."""
    found: Size | None = None
    position = 2
    for _ in range(MAX_MARKERS):
        marker, position = _next_marker(content, position)
        if marker in (_SCAN, _END):
            break
        if marker == _HIERARCHICAL:
            raise PixelError("a hierarchical JPEG stream is not decoded")
        if marker in _ALONE:
            continue
        length = struct.unpack_from(">H", content, position)[0]
        if marker in _FRAMES:
            _, rows, columns, samples = struct.unpack_from(">BHHB", content, position + 2)
            if found is not None and found != (rows, columns, samples):
                raise PixelError("the code stream says two sizes")
            found = Size(rows, columns, samples)
        position += max(2, length)
    else:
        raise PixelError(f"the code stream has more than {MAX_MARKERS} markers in front of its first scan")
    if found is None:
        raise PixelError("the code stream has no frame header")
    return found


def _next_marker(content: bytes, position: int) -> tuple[int, int]:
    """The marker at or behind `position`, and the position behind it; fill bytes and what is no marker are passed, as decoders do."""
    while True:
        position = content.find(b"\xff", position)
        if position < 0:
            raise IndexError
        while content[position] == 0xFF:
            position += 1
        if content[position]:
            return content[position], position + 1


def _jpeg_2000(content: bytes, position: int) -> Size:
    """The SIZ segment, which follows SOC (ITU-T T.800 A.5.1). Components may be subsampled: their own size counts."""
    if content[position : position + 4] != _JPEG_2000:
        raise PixelError("no JPEG 2000 code stream is in the file")
    right, bottom, left, top, wide, high, at_x, at_y, count = struct.unpack_from(">8IH", content, position + 8)
    if not (count and wide and high and left < right and top < bottom):
        raise PixelError("the JPEG 2000 code stream has no size")
    steps = [struct.unpack_from(">BB", content, position + 43 + 3 * number) for number in range(count)]
    if not all(x and y for x, y in steps):
        raise PixelError("the JPEG 2000 code stream has no size")
    sizes = {(-(-bottom // y) - -(-top // y), -(-right // x) - -(-left // x)) for x, y in steps}
    rows, columns = max(sizes)
    tiles = -(-(right - at_x) // wide) * -(-(bottom - at_y) // high)
    if tiles > max(MIN_TILES, rows * columns // MIN_TILE):
        raise PixelError(f"the JPEG 2000 code stream has {tiles} tiles for {rows}×{columns} pixels")
    if right * bottom > 4 * rows * columns + (1 << 20):
        raise PixelError(f"the JPEG 2000 code stream lays {rows}×{columns} pixels on a grid of {bottom}×{right}")
    return Size(rows, columns, count)


def _in_box(content: bytes, kind: bytes) -> int:
    """Position of the contents of the first box of this kind (ITU-T T.800 I.4)."""
    position = 0
    for _ in range(MAX_BOXES):
        length, name = struct.unpack_from(">I4s", content, position)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", content, position + 8)[0], 16
        if name == kind:
            return position + head
        if length < head:  # 0: to the end of the file
            break
        position += length
    raise PixelError("the file has no code stream")


def _jpeg_xl_in_box(content: bytes) -> Size:
    """The code stream whole or its first part (ISO/IEC 18181-2)."""
    try:
        position = _in_box(content, b"jxlc")
    except (PixelError, struct.error):
        position = _in_box(content, b"jxlp") + 4  # the number of the part
    if content[position : position + 2] != _JXL:
        raise PixelError("no JPEG XL code stream is in the file")
    return _jpeg_xl(content, position + 2)


_RATIOS: Final = ((0, 0), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_WIDTHS: Final = (9, 13, 18, 30)


def _jpeg_xl(content: bytes, position: int) -> Size:
    """The size header (ISO/IEC 18181-1 D.2), bits from the lowest of the first byte on."""
    header = content[position : position + 10]
    if not header:
        raise IndexError
    bits, taken = int.from_bytes(header + bytes(10 - len(header)), "little"), 0

    def take(count: int) -> int:
        nonlocal bits, taken
        value, bits, taken = bits & (1 << count) - 1, bits >> count, taken + count
        if taken > 8 * len(header):
            raise IndexError
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take(_WIDTHS[take(2)]) + 1

    rows = side()
    across, down = _RATIOS[take(3)]
    return Size(rows, rows * across // down if down else side(), 0)


def _png(content: bytes) -> Size:
    """The IHDR chunk, the first of all (ISO/IEC 15948 11.2.1)."""
    if content[12:16] != b"IHDR":
        raise PixelError("the picture has no header")
    columns, rows = struct.unpack_from(">II", content, 16)
    return Size(rows, columns, 0)

"""TIFF slides made for tests: every field as the test wants it, right or wrong."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Value = int | bytes | Sequence[int] | tuple[str, int, int] | None
ZERO_IFD = 0


def tissue(width: int, height: int, seed: int = 1) -> Pixels:
    """A picture like a stained section: a pink piece with dark nuclei on white glass."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = ((x / width - 0.5) ** 2 / 0.2 + (y / height - 0.5) ** 2 / 0.17) < 1
    picture = np.full((height, width, 3), 244, np.float32)
    fibres = 10 * np.sin(x / 7 + 3 * np.sin(y / 31)) + 8 * np.sin(y / 5)
    picture[inside] = np.stack([214 + fibres, 150 + fibres, 190 + fibres / 2], -1)[inside]
    for _ in range(max(3, width * height // 900)):
        cx, cy, r = dice.integers(0, width), dice.integers(0, height), dice.integers(2, 6)
        if inside[cy, cx]:
            box = slice(max(0, cy - r), cy + r + 1), slice(max(0, cx - r), cx + r + 1)
            round_ = (x[box] - cx) ** 2 + (y[box] - cy) ** 2 < r * r
            picture[box][round_] = (88, 52, 130)
    return np.clip(picture + dice.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def shrunk(picture: Pixels, factor: int) -> Pixels:
    """The picture by box averages, sizes rounded down as scanners do."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    cut = picture[: height * factor, : width * factor].astype(np.float32)
    return (cut.reshape(height, factor, width, factor, 3).mean((1, 3)) + 0.5).astype(np.uint8)


def jpeg(pixels: Pixels, rgb: bool = False, quality: int = 90, subsampling: str = "444") -> bytes:
    """A JPEG with its tables; with `rgb` its components are red, green and blue, without any marker that says so."""
    space = "RGB" if rgb else "YCbCr"
    coded = bytes(
        imagecodecs.jpeg8_encode(
            np.ascontiguousarray(pixels), level=quality, colorspace="RGB", outcolorspace=space, subsampling=subsampling
        )
    )
    return renumbered(without(coded, 0xEE, 0xE0)) if rgb else without(coded, 0xE0, 0xEE)


def segments(coded: bytes) -> list[tuple[int, bytes]]:
    """Marker segments between FFD8 and the scan, which is the last one with all that follows."""
    found, at = [], 2
    while coded[at + 1] != 0xDA:
        length = struct.unpack_from(">H", coded, at + 2)[0]
        found.append((coded[at + 1], coded[at : at + 2 + length]))
        at += 2 + length
    return [*found, (0xDA, coded[at:])]


def without(coded: bytes, *markers: int) -> bytes:
    """A JPEG without these segments."""
    return b"\xff\xd8" + b"".join(body for marker, body in segments(coded) if marker not in markers)


def renumbered(coded: bytes) -> bytes:
    """A JPEG whose components are numbered 0, 1, 2, as Aperio does: then nothing tells RGB from YCbCr."""
    out = b"\xff\xd8"
    for marker, body in segments(coded):
        changed = bytearray(body)
        if marker == 0xC0:
            for number in range(3):
                changed[10 + 3 * number] = number
        elif marker == 0xDA:
            for number in range(3):
                changed[5 + 2 * number] = number
        out += changed
    return out


def split_tables(coded: bytes) -> tuple[bytes, bytes]:
    """(tables, the JPEG without them), as TIFF stores them apart."""
    tables = b"".join(body for marker, body in segments(coded) if marker in (0xDB, 0xC4))
    return b"\xff\xd8" + tables + b"\xff\xd9", without(coded, 0xDB, 0xC4)


@dataclass(frozen=True)
class Page:
    """One directory: fields by tag, stored tiles or strips, directories under it."""

    fields: Mapping[int, Value]
    pieces: Sequence[bytes]
    below: Sequence[Page] = ()
    strips: bool = False

    def but(self, **changes: Value) -> Page:
        """The same with other fields, given as `t256=...`; one that is None is not written."""
        fields = {**self.fields, **{int(name[1:]): value for name, value in changes.items()}}
        return replace(self, fields=fields)


def tiles_of(picture: Pixels, side: int) -> list[Pixels]:
    """Padded tiles in rows."""
    height, width = picture.shape[:2]
    rows, columns = ceil(height / side), ceil(width / side)
    padded = np.pad(picture, ((0, rows * side - height), (0, columns * side - width), (0, 0)), mode="edge")
    return [padded[r * side : (r + 1) * side, c * side : (c + 1) * side] for r in range(rows) for c in range(columns)]


def jpeg_page(
    picture: Pixels, side: int = 256, rgb: bool = False, tables: bool = True, quality: int = 90, subsampling: str = "444", **fields: Value
) -> Page:
    """A page of JPEG tiles, their tables apart unless told otherwise."""
    coded = [jpeg(tile, rgb, quality, subsampling) for tile in tiles_of(picture, side)]
    said: dict[int, Value] = {254: 0, 259: 7, 262: 2 if rgb else 6, **_sizes(picture, side)}
    if tables:
        said[347] = split_tables(coded[0])[0]
        coded = [split_tables(each)[1] for each in coded]
    return Page(said, coded).but(**fields)


CODECS: Mapping[int, Callable[[bytes], bytes]] = {
    1: bytes,
    5: lambda raw: bytes(imagecodecs.lzw_encode(raw)),
    8: zlib.compress,
    50000: lambda raw: bytes(imagecodecs.zstd_encode(raw)),
    32773: lambda raw: bytes(imagecodecs.packbits_encode(raw)),
}


def coded_page(picture: Pixels, compression: int, side: int = 256, predictor: int = 1, **fields: Value) -> Page:
    """A page of losslessly coded tiles."""
    tiles = tiles_of(picture, side)
    if compression in (33003, 33005):
        coded = [bytes(imagecodecs.jpeg2k_encode(tile, level=0, codecformat="j2k", mct=False, reversible=True)) for tile in tiles]
    else:
        coded = [CODECS[compression](_differences(tile, predictor).tobytes()) for tile in tiles]
    said: dict[int, Value] = {254: 0, 259: compression, 262: 2, 317: predictor, **_sizes(picture, side)}
    return Page(said, coded).but(**fields)


def strip_page(picture: Pixels, compression: int = 5, rows: int = 9, predictor: int = 1, **fields: Value) -> Page:
    """A page of strips, as cameras write them."""
    strips = [picture[at : at + rows] for at in range(0, picture.shape[0], rows)]
    if compression == 7:
        coded = [jpeg(strip) for strip in strips]
    else:
        coded = [CODECS[compression](_differences(strip, predictor).tobytes()) for strip in strips]
    said: dict[int, Value] = {254: 0, 259: compression, 262: 6 if compression == 7 else 2, 317: predictor, **_sizes(picture, 0), 278: rows}
    return Page(said, coded, strips=True).but(**fields)


def _differences(tile: Pixels, predictor: int) -> Pixels:
    if predictor == 1:
        return np.ascontiguousarray(tile)
    return np.concatenate([tile[:, :1], np.diff(tile, axis=1)], axis=1)


def _sizes(picture: Pixels, side: int) -> dict[int, Value]:
    found: dict[int, Value] = {256: picture.shape[1], 257: picture.shape[0], 258: [8, 8, 8], 277: 3, 284: 1}
    return {**found, 322: side, 323: side} if side else found


@dataclass
class _Writer:
    order: str
    big: bool
    out: bytearray = field(default_factory=bytearray)
    known: dict[bytes, int] = field(default_factory=dict)

    def put(self, content: bytes) -> int:
        self.out += bytes(len(self.out) % 2)
        at = len(self.out)
        self.out += content
        return at

    def page(self, page: Page) -> int:
        """Write tiles, values and directory; return where the pointer to the next directory stands."""
        offsets = [self.put(piece) if piece else 0 for piece in page.pieces]
        below = []
        for sub in page.below:
            pointer = self.page(sub)
            below.append(pointer - self._size(sub))
        fields = dict(page.fields)
        places, sizes = (273, 279) if page.strips else (324, 325)
        fields.setdefault(places, offsets)
        fields.setdefault(sizes, [len(piece) for piece in page.pieces])
        if below:
            fields[330] = below
        entries = [self._entry(tag, value) for tag, value in sorted(fields.items()) if value is not None]
        count = struct.pack(self.order + ("Q" if self.big else "H"), len(entries))
        return self.put(count + b"".join(entries)) + len(count) + len(b"".join(entries))

    def _size(self, page: Page) -> int:
        given = {tag for tag, value in page.fields.items() if value is not None}
        made = {273, 279} if page.strips else {324, 325}
        count = len(given | made) - sum(page.fields.get(tag, 0) is None for tag in made) + bool(page.below)
        return 8 + 20 * count if self.big else 2 + 12 * count

    def _entry(self, tag: int, value: Value) -> bytes:
        kind, count, raw = self._coded(tag, value)
        word = 8 if self.big else 4
        head = struct.pack(self.order + ("HHQ" if self.big else "HHI"), tag, kind, count)
        if len(raw) <= word:
            return head + raw.ljust(word, b"\0")
        return head + struct.pack(self.order + ("Q" if self.big else "I"), self.put(raw))

    def _coded(self, tag: int, value: Value) -> tuple[int, int, bytes]:
        if isinstance(value, tuple) and isinstance(value[0], str):
            name, above, below = value
            assert name == "rational"
            return 5, 1, struct.pack(self.order + "II", above, below)
        if isinstance(value, bytes):
            return (7, len(value), value) if tag in (347, 34675, 700) else (2, len(value) + 1, value + b"\0")
        numbers = [value] if isinstance(value, int) else list(value)
        kind, code = (3, "H") if tag in (258, 259, 262, 277, 284, 296, 317, 339, 530, 320) else (16, "Q") if self.big else (4, "I")
        return kind, len(numbers), struct.pack(f"{self.order}{len(numbers)}{code}", *numbers)


def tiff(*pages: Page, big: bool = False, order: str = "<") -> bytes:
    """A TIFF of these pages, tiles in front of their directory, as scanners write it."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 0) if big else (42, 0)))
    writer = _Writer(order, big, bytearray(head))
    pointer = 8 if big else 4
    for page in pages:
        after = writer.page(page)
        start = after - writer._size(page)
        struct.pack_into(order + ("Q" if big else "I"), writer.out, pointer, start)
        writer.out += bytes(8 if big else 4)
        pointer = after
    return bytes(writer.out)


APERIO = b"Aperio Image Library v11.2.1 \r\n%dx%d [0,0 %dx%d] (256x256) JPEG/RGB Q=90|AppMag = 20|MPP = 0.4990|Date = 11/20/26|Time = 09:30:00|Title = LISI19700101|User = u1"


def described(picture: Pixels) -> bytes:
    """An SVS description of this picture's size."""
    height, width = picture.shape[:2]
    return APERIO % (width, height, width, height)


def svs(picture: Pixels, side: int = 256, factors: Sequence[int] = (4,), label: bool = True, rgb: bool = True, **fields: Value) -> bytes:
    """An SVS: level 0, thumbnail in strips, coarser levels, label and macro."""
    text = described(picture)
    first = jpeg_page(picture, side, rgb, t270=text, **fields)
    levels = [jpeg_page(shrunk(picture, factor), side, rgb, t270=text) for factor in factors]
    thumbnail = strip_page(shrunk(picture, 8), 7, shrunk(picture, 8).shape[0], t270=text)
    beside = []
    if label:
        beside = [
            strip_page(tissue(90, 80, 7), 5, 16, 2, t254=1, t270=b"Aperio Image Library v11.2.1 \nlabel 90x80"),
            strip_page(tissue(160, 60, 8), 7, 60, t254=9, t270=b"Aperio Image Library v11.2.1 \nmacro 160x60"),
        ]
    return tiff(first, thumbnail, *levels, *beside)


def pyramid(
    picture: Pixels, side: int = 256, factors: Sequence[int] = (2, 4), big: bool = False, order: str = "<", **fields: Value
) -> bytes:
    """A generic pyramid of JPEG pages."""
    first = jpeg_page(picture, side, **fields)
    return tiff(first, *(jpeg_page(shrunk(picture, factor), side, t254=1) for factor in factors), big=big, order=order)


OME = """<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" Creator="maker 1.0">
<Instrument ID="Instrument:0"><Microscope Manufacturer="Acme" Model="M1"/><Objective ID="Objective:0" NominalMagnification="40.0"/></Instrument>
<Image ID="Image:0" Name="LISI19700101"><AcquisitionDate>2026-11-20T09:30:00</AcquisitionDate><ObjectiveSettings ID="Objective:0"/>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{width}" SizeY="{height}" SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="{x}"
 PhysicalSizeXUnit="{unit}" PhysicalSizeY="{x}" PhysicalSizeYUnit="{unit}"><Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData IFD="0" PlaneCount="1"/>
</Pixels></Image></OME>"""


def ome(picture: Pixels, x: str = "0.25", unit: str = "µm", factors: Sequence[int] = (2, 4), side: int = 256) -> bytes:
    """An OME-TIFF with its levels in SubIFDs."""
    text = OME.format(width=picture.shape[1], height=picture.shape[0], x=x, unit=unit).encode()
    first = jpeg_page(picture, side, t270=text)
    below = [jpeg_page(shrunk(picture, factor), side, t254=1) for factor in factors]
    return tiff(replace(first, below=below), big=True)


def philips(picture: Pixels, side: int = 256) -> bytes:
    """A Philips TIFF of two levels: sizes padded to whole tiles, the true ones by the spacings of the levels."""
    spacings = [0.00025, 0.0005]
    name = '<Attribute Name="{}" Group="0x0028" Element="0x0030" PMSVR="IDoubleArray">{}</Attribute>'
    of_levels = "".join(
        f'<DataObject ObjectType="PixelDataRepresentation">{name.format("DICOM_PIXEL_SPACING", f"&quot;{each}&quot; &quot;{each}&quot;")}</DataObject>'
        for each in spacings
    )
    scanned = (
        f'<DataObject ObjectType="DPScannedImage"><Attribute Name="PIM_DP_IMAGE_TYPE">WSI</Attribute>'
        f'<Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE"><Array>{of_levels}</Array></Attribute>'
        f"{name.format('DICOM_PIXEL_SPACING', '&quot;0.00025&quot; &quot;0.00025&quot;')}</DataObject>"
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">'
        f"{name.format('DICOM_MANUFACTURER', 'PHILIPS')}{name.format('PIM_DP_UFS_BARCODE', 'TElTSTE5NzAwMTAx')}"
        f"{name.format('DICOM_ACQUISITION_DATETIME', '20261120093000.000000')}"
        f'<Attribute Name="PIM_DP_SCANNED_IMAGES"><Array>{scanned}</Array></Attribute></DataObject>'
    )
    pages = [jpeg_page(picture, side, t270=text.encode(), t305=b"Philips DP v1.0")]
    small = shrunk(picture, 2)
    padded = ceil(small.shape[1] / side) * side, ceil(small.shape[0] / side) * side
    pages.append(jpeg_page(small, side, t256=padded[0], t257=padded[1], t254=1))
    beside = [strip_page(tissue(90, 80, 7), 7, 80, t270=b"Label"), strip_page(tissue(160, 60, 8), 7, 60, t270=b"Macro")]
    return tiff(*pages, *beside, big=True)


def leica(picture: Pixels, side: int = 256) -> bytes:
    """An SCN: a macro over the whole slide and one scanned region of two levels."""
    height, width = picture.shape[:2]
    text = (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01" uuid="u"><collection name="LISI19700101" '
        'sizeX="26000000" sizeY="76000000"><image name="i0"><pixels sizeX="160" sizeY="468"><dimension sizeX="160" sizeY="468" r="0" ifd="2"/></pixels>'
        '<view sizeX="26000000" sizeY="76000000" offsetX="0" offsetY="0"/><scanSettings><illuminationSettings><illuminationSource>brightfield</illuminationSource></illuminationSettings><objectiveSettings><objective>0.6</objective></objectiveSettings></scanSettings></image><image name="i1"><creationDate>2026-11-20T09:30:00.12Z</creationDate>'
        '<device model="Leica SCN400;Leica SCN" version="1.5"/><scanSettings><illuminationSettings><illuminationSource>brightfield</illuminationSource></illuminationSettings><objectiveSettings><objective>20</objective></objectiveSettings></scanSettings>'
        f'<pixels sizeX="{width}" sizeY="{height}"><dimension sizeX="{width}" sizeY="{height}" r="0" ifd="0"/>'
        f'<dimension sizeX="{width // 4}" sizeY="{height // 4}" r="1" ifd="1"/></pixels>'
        f'<view sizeX="{width * 500}" sizeY="{height * 500}" offsetX="1000000" offsetY="2000000"/></image></collection></scn>'
    ).encode()
    pages = jpeg_page(picture, side, t270=text), jpeg_page(shrunk(picture, 4), side), jpeg_page(tissue(160, 468, 9), side)
    return tiff(*pages, big=True)


def png(pixels: Pixels) -> bytes:
    """A PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()

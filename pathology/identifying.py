"""Places of a TIFF slide that may carry a name: label and macro pictures, and text that people write. They can be blanked in place.

Text is kept by a list of what machines write, not searched for names: whatever is on no list goes. Lengths and all other bytes stay.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pathology.formats import aperio, leica, ome, philips
from pathology.slide import Slide
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory, read_directories, recognise

SPACE, ZERO = 0x20, 0x00

KEPT_PICTURES: Final = frozenset({"thumbnail"})
"""Pictures beside the slide that show tissue alone."""

OPAQUE: Final = (33723, 34377, 34665, tags.XMP)
"""IPTC, Photoshop, EXIF and XMP blocks."""

_APERIO_HEAD: Final = re.compile(
    rb"Aperio|Leica|GT\d+|Biosystems|Image|Library|ScanScope|v[\d.]+|\d+x\d+|->|-|label|macro|\[?\d+,\d+|\d+x\d+\]|\(\d+x\d+\)|J(PEG|2K)/[A-Z0-9=-]+|Q=\d+"
)
"""Words of the part of an SVS description in front of its pairs."""

_XML_ATTRIBUTES: Final = frozenset({
    "schemaLocation", "version", "encoding", "ID", "Type", "ObjectType", "Name", "Group", "Element", "PMSVR", "DimensionOrder",
    "SizeX", "SizeY", "SizeC", "SizeZ", "SizeT", "sizeX", "sizeY", "offsetX", "offsetY", "PhysicalSizeX", "PhysicalSizeY",
    "PhysicalSizeXUnit", "PhysicalSizeYUnit", "SamplesPerPixel", "BigEndian", "Interleaved", "SignificantBits", "IFD",
    "PlaneCount", "FirstC", "FirstZ", "FirstT", "NominalMagnification", "Manufacturer", "Model", "model", "ifd", "r", "c", "z",
    "Color",
})  # fmt: skip
"""Attributes (by local name) of OME, Philips and SCN documents that machines write and readers need; Name only of Philips attributes."""

_XML_TEXTS: Final = frozenset({"objective", "illuminationSource", "numericalAperture", "creationDate", "AcquisitionDate"})
"""Elements whose text is kept."""

_PHILIPS_TEXTS: Final = frozenset({
    "DICOM_PIXEL_SPACING", "DICOM_MANUFACTURER", "DICOM_MANUFACTURERS_MODEL_NAME", "DICOM_ACQUISITION_DATETIME", "DICOM_BITS_ALLOCATED",
    "DICOM_BITS_STORED", "DICOM_HIGH_BIT", "DICOM_SOFTWARE_VERSIONS", "DICOM_DEVICE_SERIAL_NUMBER", "DICOM_LOSSY_IMAGE_COMPRESSION",
    "DICOM_LOSSY_IMAGE_COMPRESSION_METHOD", "DICOM_LOSSY_IMAGE_COMPRESSION_RATIO", "DICOM_PHOTOMETRIC_INTERPRETATION",
    "DICOM_PIXEL_REPRESENTATION", "DICOM_PLANAR_CONFIGURATION", "DICOM_SAMPLES_PER_PIXEL", "PIM_DP_IMAGE_TYPE", "PIM_DP_IMAGE_ROWS",
    "PIM_DP_IMAGE_COLUMNS", "PIIM_PIXEL_DATA_REPRESENTATION_ROWS", "PIIM_PIXEL_DATA_REPRESENTATION_COLUMNS",
    "PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", "PIIM_PIXEL_DATA_REPRESENTATION_POSITION", "UFS_IMAGE_PIXEL_TRANSFORMATION_METHOD",
})  # fmt: skip
"""Philips attributes whose text is kept."""

_TOKEN: Final = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^>]*>|[^<]+", re.S)
_ATTRIBUTE: Final = re.compile(rb"([\w:.-]+)\s*=\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True, slots=True)
class Blank:
    """Bytes that may carry a name: `offset` and `length` in the file, the byte that overwrites them, and what they are."""

    offset: int
    length: int
    fill: int
    what: str

    def as_tuple(self) -> tuple[int, int, int]:
        """For `BlankedSource`."""
        return self.offset, self.length, self.fill


def identifying_places(slide: Slide) -> tuple[Blank, ...]:
    """Return the places of an open slide that may carry a name, in the file's order and without overlap; none of what is no TIFF.

    A slide that is read through OpenSlide has places that are not known here: its file is not to be kept without a person's word.
    """
    if len(slide.sources) != 1 or not recognise(slide.sources[0].read_at(0, min(8, slide.sources[0].size))):
        return ()
    source = slide.sources[0]
    found = [
        Blank(place.offset, place.length, ZERO, picture.name)
        for picture in slide.associated
        if picture.name not in KEPT_PICTURES
        for place in picture.places
    ]
    directories = read_directories(source)
    sift = _sift(directories[0])
    for directory in (each for top in directories for each in (top, *top.sub_directories)):
        found.extend(_texts(directory, sift))
    return tuple(_without_overlap(found))


def blank_in_place(path: str | os.PathLike[str], places: Iterable[Blank]) -> None:
    """Overwrite the places in the file itself, and make it durable."""
    with open(path, "r+b") as file:  # noqa: PTH123  (a path of any kind)
        for place in places:
            file.seek(place.offset)
            file.write(bytes([place.fill]) * place.length)
        file.flush()
        os.fsync(file.fileno())


Sift = Callable[[bytes], Iterator[tuple[int, int]]]


def _sift(first: Directory) -> Sift:
    """What of a description is blanked, by the maker of the file."""
    if aperio.recognise(first):
        return _aperio
    if philips.recognise(first) or leica.recognise(first) or ome.recognise(first):
        return _xml
    return _everything


def _texts(directory: Directory, sift: Sift) -> Iterator[Blank]:
    for tag in (*tags.FREE_TEXT, *OPAQUE):
        field = directory.fields.get(tag)
        if field is not None and _inside(directory.source, field.offset, field.length) and field.kind in (1, 2, 7):
            yield Blank(
                field.offset, field.length, SPACE if tag in (*tags.FREE_TEXT, tags.XMP) else ZERO, tags.NAMES.get(tag, f"tag {tag}")
            )
    field = directory.fields.get(tags.IMAGE_DESCRIPTION)
    if field is not None and _inside(directory.source, field.offset, field.length):
        raw = directory.raw(tags.IMAGE_DESCRIPTION)
        for start, end in sift(raw):
            yield Blank(field.offset + start, end - start, SPACE, "ImageDescription")


def _inside(source: ByteSource, offset: int, length: int) -> bool:
    return length > 0 and offset + length <= source.size


def _everything(raw: bytes) -> Iterator[tuple[int, int]]:
    text = raw.rstrip(b"\0")
    if text.strip().lower() in (b"label", b"macro", b"thumbnail"):
        return
    if text:
        yield 0, len(text)


def _aperio(raw: bytes) -> Iterator[tuple[int, int]]:
    """Words in front of the pairs that are none of Aperio's, and the values of keys that are on no list."""
    text = raw.rstrip(b"\0")
    head, *pairs = text.split(b"|")
    for word in re.finditer(rb"[^\s;]+", head):
        if not _APERIO_HEAD.fullmatch(word[0]):
            yield word.span()
    at = len(head) + 1
    for pair in pairs:
        key, equals, value = pair.partition(b"=")
        known = equals and key.strip().decode("latin-1") in aperio.KEPT
        if not known and (value if equals else key).strip():
            start = at + (len(key) + 1 if equals else 0)
            yield start, at + len(pair)
        at += len(pair) + 1


def _xml(raw: bytes) -> Iterator[tuple[int, int]]:
    """Attribute values and texts that are on no list."""
    element = name = ""
    for token in _TOKEN.finditer(raw.rstrip(b"\0")):
        text, start = token[0], token.start()
        if text.startswith(b"<!--"):
            yield start + 4, token.end() - 3
        elif text.startswith(b"<![CDATA["):
            yield start + 9, token.end() - 3
        elif text.startswith(b"<"):
            if not text.startswith((b"</", b"<?")):
                element, name = _local(re.match(rb"<([^\s/>]*)", text)[1]), ""  # type: ignore[index]  # matches any tag
            for attribute in _ATTRIBUTE.finditer(text):
                key = _local(attribute[1])
                if key == "Name" and element == "Attribute":
                    name = attribute[2][1:-1].decode("latin-1")
                if not _is_kept(key, element, attribute[1]) and attribute[2][1:-1].strip():
                    yield start + attribute.start(2) + 1, start + attribute.end(2) - 1
        elif text.strip() and element not in _XML_TEXTS and not (element == "Attribute" and name in _PHILIPS_TEXTS):
            yield start, token.end()


def _is_kept(key: str, element: str, whole: bytes) -> bool:
    if whole.startswith(b"xmlns"):
        return True
    return key in _XML_ATTRIBUTES and (key != "Name" or element == "Attribute")


def _local(name: bytes) -> str:
    return name.rpartition(b":")[2].decode("latin-1")


def _without_overlap(places: Iterable[Blank]) -> Iterator[Blank]:
    reached = 0
    for place in sorted(places, key=lambda each: (each.offset, -each.length)):
        start = max(place.offset, reached)
        end = place.offset + place.length
        if start < end:
            yield Blank(start, end - start, place.fill, place.what)
            reached = end

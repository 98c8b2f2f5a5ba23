"""Slides that are TIFF files: which maker's, and who reads them."""

from __future__ import annotations

import os
from typing import Final

from pathology.errors import DamagedTile, NotArrived, Refusal, UnreadableSlide
from pathology.formats import aperio, by_openslide, generic_tiff, leica, ome, philips
from pathology.slide import Slide
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory, read_directories, recognise
from pathology.tiles.coding import Compression

NAME: Final = "TIFF"
__all__ = ["NAME", "read", "recognise"]

_TRIED: Final = 3
"""Stored tiles of which one must decode, for codings that do not say of themselves what they hold."""


def read(source: ByteSource, path: str | os.PathLike[str] | None = None) -> Slide:
    """Read a TIFF slide of any maker; `path` is needed for those that OpenSlide reads. Raises UnreadableSlide."""
    directories = read_directories(source)
    first = directories[0]
    if _needs_openslide(first):
        return _through_openslide(path)
    if aperio.recognise(first):
        slide: Slide | None = aperio.read(source, directories)
    elif philips.recognise(first):
        slide = philips.read(source, directories)
    elif leica.recognise(first):
        slide = leica.read(source, directories)
    elif ome.recognise(first):
        slide = ome.read(source, directories)
    else:
        slide = generic_tiff.read(source, directories)
    if slide is None:
        return _through_openslide(path)
    for level in range(len(slide.levels)):
        _check_decodes(slide, level)
    return slide


def _needs_openslide(first: Directory) -> bool:
    """True for NDPI (rows of restart intervals), BIF (overlapping tiles) and Trestle (overlapping tiles)."""
    is_bif = tags.XMP in first.fields and b"<iScan" in first.raw(tags.XMP)
    return tags.NDPI_MARK in first.fields or is_bif or first.text(tags.SOFTWARE).startswith("MedScan")


def _through_openslide(path: str | os.PathLike[str] | None) -> Slide:
    if path is None:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, "a format that can be read only once all of the file is here", "Wait for it.")
    return by_openslide.read(path)


def _check_decodes(slide: Slide, number: int) -> None:
    """Raise UnreadableSlide where none of a level's first tiles can be decoded. JPEG was looked at when its tables were."""
    level = slide.levels[number]
    if level.pieces is None or level.coding is None or level.coding.compression is Compression.JPEG:
        return
    stored = level.pieces.lengths.nonzero()[0][:_TRIED].tolist()
    damage: DamagedTile | None = None
    for each in stored:
        try:
            slide.pixels(number, each % level.columns, each // level.columns)
        except NotArrived:
            return
        except DamagedTile as error:
            damage = damage or error
        else:
            return
    if damage is not None:
        raise UnreadableSlide(Refusal.DAMAGED, slide.format, damage.offset, str(damage))

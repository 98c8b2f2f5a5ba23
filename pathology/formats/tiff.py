"""Slides that are TIFF files: which maker's, and who reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from pathology.errors import DamagedTile, NotArrived, Refusal, UnreadableSlide
from pathology.formats import aperio, by_openslide, generic_tiff, leica, ome, philips
from pathology.slide import Slide
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory, read_directories, recognise
from pathology.tiff.pyramid import left_out
from pathology.tiles.coding import BadTile, Compression, depth

NAME: Final = "TIFF"
_SEEN_FOR_DEPTH: Final = 64
"""Tiles of the coarsest level that are looked at for the largest sample."""

__all__ = ["NAME", "read", "recognise"]

_CLASSIC_BYTES: Final = 1 << 32
"""A classic TIFF has offsets of 32 bits; larger ones are NDPI, which hides the upper bits in places of its own."""

_TRIED: Final = 3
"""Stored tiles of which one must decode, for codings that do not say of themselves what they hold."""


def read(source: ByteSource, path: str | os.PathLike[str] | None = None) -> Slide:
    """Read a TIFF slide of any maker; `path` is needed for those that OpenSlide reads. Raises UnreadableSlide."""
    if source.size >= _CLASSIC_BYTES and source.read_at(0, 4) in (b"II*\0", b"MM\0*"):
        return _through_openslide(path)
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
    return _with_depth(_that_decode(slide))


def _that_decode(slide: Slide) -> Slide:
    """The slide without coarser levels of which no tile can be decoded. Raises UnreadableSlide where the finest is one."""
    kept, lost = [], []
    for number, level in enumerate(slide.levels):
        try:
            _check_decodes(slide, number)
        except UnreadableSlide as error:
            if number == 0:
                raise
            lost.append(left_out(error))
        else:
            kept.append(level)
    return replace(slide, levels=tuple(kept), notes=(*slide.notes, *lost)) if lost else slide


def _needs_openslide(first: Directory) -> bool:
    """True for NDPI (rows of restart intervals), BIF (overlapping tiles) and Trestle (overlapping tiles)."""
    is_bif = tags.XMP in first.fields and b"<iScan" in first.raw(tags.XMP)
    return tags.NDPI_MARK in first.fields or is_bif or first.text(tags.SOFTWARE).startswith("MedScan")


def _through_openslide(path: str | os.PathLike[str] | None) -> Slide:
    if path is None:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, "a format that can be read only once all of the file is here", "Wait for it.")
    return by_openslide.read(path)


def _with_depth(slide: Slide) -> Slide:
    """Of 16-bit samples the eight highest bits that are used; cameras use 10 to 14. By the coarsest level, the same for all levels."""
    last = len(slide.levels) - 1
    coarsest = slide.levels[last]
    if coarsest.coding is None or coarsest.coding.bits == 8 or coarsest.pieces is None:
        return slide
    single = replace(coarsest.coding, planes=1, samples=1 if coarsest.coding.planes > 1 else coarsest.coding.samples)
    used = 8
    for number in coarsest.pieces.lengths.nonzero()[0][:_SEEN_FOR_DEPTH].tolist():
        try:
            place = slide.places(last, number % coarsest.columns, number // coarsest.columns)[0]
            content = slide.sources[0].read_at(place.offset, place.length)
            used = max(used, depth(single, content, coarsest.tile_width, coarsest.tile_height))
        except (UnreadableSlide, NotArrived, BadTile):
            continue
    levels = tuple(replace(each, coding=replace(each.coding, shift=used - 8)) if each.coding else each for each in slide.levels)
    return replace(slide, levels=levels, notes=(*slide.notes, f"Of {used} bits a sample the eight highest are shown."))


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

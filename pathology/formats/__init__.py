"""Readers of slides, chosen by content: TIFF of many makers, DICOM, a camera's pictures, the rest through OpenSlide."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from pathology import archive
from pathology.dicom import instance, series
from pathology.errors import NotArrived, Refusal, SlideError, UnreadableSlide
from pathology.formats import by_openslide, picture, refused, tiff
from pathology.slide import Slide
from pathology.source import ByteSource, FileSource

HEAD_BYTES: Final = 4096
"""First bytes of a file, by which its format is recognised."""

FIRST_BYTES: Final = 8
"""Those of a file that is arriving: the header of a TIFF, whose pixels may follow at once."""


def open_slide(path: str | os.PathLike[str]) -> Slide:
    """Open a slide of any format that is read: a file, a zipped MRXS, a DICOM file (with its series beside it) or a folder of them.

    Levels, places of tiles, scale and objective are read and checked; label and macro are found and not decoded.
    Raises UnreadableSlide for what cannot be read, and OSError only where the path itself cannot be opened.
    """
    path = Path(path)
    if path.is_dir():
        return _guarded(lambda: series.open_files(_or_refuse(series.files_of_series(path))))
    source = FileSource(path)
    try:
        slide = _guarded(lambda: _opened(path, source))
    except BaseException:
        source.close()
        raise
    if source not in slide.sources:
        source.close()
    return slide


def open_source(source: ByteSource) -> Slide:
    """Open a slide of which there is no file yet, or only a part of it: TIFF, one DICOM object, a picture.

    See `pathology.source.ArrivingSource`. Raises NotArrived where bytes are needed that are to come, UnreadableSlide for
    what cannot be read.
    """
    return _guarded(lambda: _from_source(source))


def _from_source(source: ByteSource) -> Slide:
    head = _head(source)
    refused.check(head, "")
    if tiff.recognise(head):
        return tiff.read(source)
    if instance.recognise(head):
        return series.read([source])
    if picture.recognise(head):
        return picture.read(source)
    raise UnreadableSlide(Refusal.UNKNOWN_FORMAT, "unknown", 0, "no format that can be read from its bytes alone")


def _opened(path: Path, source: FileSource) -> Slide:
    head = _head(source)
    refused.check(head, path.suffix)
    if tiff.recognise(head):
        return tiff.read(source, path)
    if instance.recognise(head):
        return series.open_files(series.files_of_series(path))
    if archive.recognise(head):
        return _unpacked(path)
    if picture.recognise(head) and path.suffix.lower() != ".mrxs":
        return picture.read(source)
    return by_openslide.read(path)


def _head(source: ByteSource) -> bytes:
    if not source.size:
        raise UnreadableSlide(Refusal.CUT_OFF, "unknown", 0, "an empty file")
    try:
        return source.read_at(0, min(HEAD_BYTES, source.size))
    except NotArrived:
        return source.read_at(0, min(FIRST_BYTES, source.size))


def _or_refuse(files: list[Path]) -> list[Path]:
    if not files:
        raise UnreadableSlide(Refusal.NO_PICTURE, "DICOM", 0, "a folder without DICOM files", "Name the slide's file.")
    return files


def _unpacked(path: Path) -> Slide:
    """A zipped slide, unpacked into a folder of its own that goes when the slide is closed."""
    folder = tempfile.TemporaryDirectory(prefix="slide-", ignore_cleanup_errors=True)
    try:
        inside = archive.unpack(path, Path(folder.name))
        slide = open_slide(inside)
    except BaseException:
        folder.cleanup()
        raise
    return replace(slide, on_close=folder.cleanup)


def _guarded(reading: Callable[[], Slide]) -> Slide:
    """Run a reader so that a damaged file gives an error of this library and nothing else."""
    try:
        return reading()
    except (SlideError, NotArrived, OSError):
        raise
    except Exception as error:  # whatever damage the reader did not foresee is still damage of the file
        raise UnreadableSlide(Refusal.DAMAGED, "slide", 0, f"it cannot be read ({type(error).__name__}: {error})") from error

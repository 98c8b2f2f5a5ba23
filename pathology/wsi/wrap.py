"""A scanner's file as DICOM: one object a level (a concatenation where it is large), TILED_FULL, and the remainder beside them."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np

from pathology.dicom import series
from pathology.dicom.instance import NAME as DICOM
from pathology.errors import Refusal, SlideError, UnreadableSlide
from pathology.slide import Slide
from pathology.source import ByteSource, FileSource
from pathology.wsi import remainder
from pathology.wsi.dataset import Header, LevelHeader, PartHeader
from pathology.wsi.icc import input_profile
from pathology.wsi.identity import Identity
from pathology.wsi.level import Frame, Layout, frames, layout, made_frames, made_layout, made_tile, wanted_after
from pathology.wsi.unwrap import unwrap
from pathology.wsi.writer import InstanceWriter

PART_BYTES: Final = 2_000_000_000
"""Bytes of frames, by estimate, from which a level is written as a concatenation: some readers take no more than 2^31 in one object."""

_BLOCK: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What was written. `instances` go from fine to coarse; `sha256` is that of the file.

    `remainder` is None where the file cannot be made again from them: no tile could be passed on, or the proof failed. Then the
    file itself is to be kept. `frames` counts all frames; of them `passed_on` are as the scanner stored them, `missing` stand for
    tiles that it did not store and `damaged` for tiles that cannot be decoded. `made_levels` are those that the file lacked.
    """

    instances: tuple[Path, ...]
    remainder: Path | None
    sha256: str
    frames: int
    passed_on: int
    missing: int
    damaged: int
    made_levels: int
    notes: tuple[str, ...]

    @property
    def coded_anew(self) -> int:
        """Frames that are not as the scanner stored them."""
        return self.frames - self.passed_on


def wrap(slide: Slide, folder: Path, identity: Identity, part_bytes: int = PART_BYTES) -> Wrapped:
    """Write an open slide as DICOM objects `level-N[-part].dcm` and `remainder.bin` into a folder; prove that the file can be made again.

    Memory stays the same at any size. Raises UnreadableSlide for a slide that is DICOM already or of which no tile can be decoded,
    FileExistsError where the folder has such files; after an error none of them is left.
    """
    if slide.format == DICOM:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, DICOM, 0, "a slide that is DICOM already", "Store its objects as they are.")
    (source,) = slide.sources
    digest = file_digest(source)
    header = Header(identity, digest, slide.device, slide.scale, slide.objective, input_profile(slide.icc_profile))
    with ExitStack() as undo:
        work = _Work(slide, folder, header, part_bytes, undo, made_tile(slide))
        work.write_levels()
        notes = list(slide.notes)
        path = work.write_remainder(source, digest) if work.starts else None
        if path is None:
            notes.append("The scanner's file cannot be made again from what was written: keep it.")
        undo.pop_all()
    return work.wrapped(path, digest, tuple(notes))


def file_digest(source: ByteSource) -> str:
    """SHA-256 of a source in hexadecimal."""
    digest = hashlib.sha256()
    for at in range(0, source.size, _BLOCK):
        digest.update(source.read_at(at, min(_BLOCK, source.size - at)))
    return digest.hexdigest()


@dataclass(slots=True)
class _Work:
    """A slide while it is written."""

    slide: Slide
    folder: Path
    header: Header
    part_bytes: int
    undo: ExitStack
    side: int
    paths: list[Path] = field(default_factory=list)
    instances: list[tuple[str, int]] = field(default_factory=list)
    made_levels: int = 0
    faults: dict[str, int] = field(default_factory=lambda: {"missing": 0, "damaged": 0})
    total: int = 0
    starts: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    frames: array[int] = field(default_factory=lambda: array("Q"))
    prefixes: array[int] = field(default_factory=lambda: array("Q"))

    def write_levels(self) -> None:
        """Write all levels of the file from fine to coarse, and between and behind them those that it lacks."""
        number = 0
        for own, level in enumerate(self.slide.levels):
            how = layout(self.slide, own)
            stored = int(level.pieces.lengths.sum()) if level.pieces is not None else 0
            estimate = min(stored, self.slide.sources[0].size) if how.stored else _guess(how)
            written = self._write_level(number, how, frames(self.slide, own, how), estimate)
            if own == 0:
                self._check_readable(how)
            number += 1
            following = self.slide.levels[own + 1] if own + 1 < len(self.slide.levels) else None
            while wanted_after(how, following):
                how, written = self._make_level(number, how, written)
                number += 1

    def _check_readable(self, how: Layout) -> None:
        if self.faults["damaged"] == how.frames - self.faults["missing"] > 0:
            found = f"none of the {how.frames} tiles of the finest level can be decoded"
            raise UnreadableSlide(Refusal.DAMAGED, self.slide.format, 0, found)

    def _make_level(self, number: int, above: Layout, written: list[Path]) -> tuple[Layout, list[Path]]:
        """Make a level out of the one that was just written."""
        how = made_layout(above, self.side)
        with series.open_files(written) as finer:
            made = self._write_level(number, how, made_frames(finer, 0, how), _guess(how))
        self.made_levels += 1
        return how, made

    def _write_level(self, number: int, how: Layout, content: Iterator[Frame], estimate: int) -> list[Path]:
        factor = self.slide.width / how.width
        said = LevelHeader(
            number, how.width, how.height, how.tile_width, how.tile_height, how.interpretation, factor, number > 0
        )  # fmt: skip
        sizes = self._parts(how, estimate)
        written, first = [], 0
        for part, count in enumerate(sizes, 1):
            place = PartHeader(part if len(sizes) > 1 else 0, len(sizes), first, count)
            name = f"level-{number}-{part}.dcm" if len(sizes) > 1 else f"level-{number}.dcm"
            written.append(self._write_part(self.folder / name, said, place, content))
            first += count
        return written

    def _parts(self, how: Layout, estimate: int) -> list[int]:
        """Frames of each object of a level that has so many bytes."""
        parts = max(1, min(how.frames, ceil(estimate / self.part_bytes)))
        each = ceil(how.frames / parts)
        return [min(each, how.frames - first) for first in range(0, how.frames, each)]

    def _write_part(self, path: Path, level: LevelHeader, part: PartHeader, content: Iterator[Frame]) -> Path:
        writer = InstanceWriter(path, self.header.dataset(level, part, 1.0), part.frames)
        self.undo.callback(writer.abandon)
        for _ in range(part.frames):
            frame = next(content)
            self._note(frame)
            writer.add(frame.content)
            self.total += 1
        uncompressed = part.frames * level.tile_width * level.tile_height * 3
        writer.close(self.header.dataset(level, part, uncompressed / max(1, writer.frame_bytes)))
        self.paths.append(path)
        self.instances.append((self.header.instance_uid(level, part.number), part.frames))
        return path

    def _note(self, frame: Frame) -> None:
        if frame.fault:
            self.faults[frame.fault] += 1
        if frame.place is not None:
            self.starts.append(frame.place.offset)
            self.lengths.append(frame.place.length)
            self.frames.append(self.total)
            self.prefixes.append(len(frame.content) - frame.place.length)

    def write_remainder(self, source: ByteSource, digest: str) -> Path | None:
        """Write the remainder and prove it; None, with nothing left behind, where the proof fails."""
        path = self.folder / "remainder.bin"
        self.undo.callback(path.unlink, missing_ok=True)
        copied = remainder.Copied(
            np.array(self.starts, np.uint64), np.array(self.lengths, np.uint64),
            np.array(self.frames, np.uint32), np.array(self.prefixes, np.uint32),
        )  # fmt: skip
        head = remainder.Head(source.size, digest, tuple(self.instances))
        remainder.write(path, source, head, remainder.in_file_order(copied))
        with ExitStack() as stack:
            try:
                unwrap([stack.enter_context(FileSource(each)) for each in self.paths], path, None)
            except SlideError:
                path.unlink()
                return None
        return path

    def wrapped(self, path: Path | None, digest: str, notes: tuple[str, ...]) -> Wrapped:
        """What was written."""
        return Wrapped(
            tuple(self.paths), path, digest, self.total, len(self.starts), self.faults["missing"], self.faults["damaged"],
            self.made_levels, notes,
        )  # fmt: skip


def _guess(how: Layout) -> int:
    """Bytes of a level that is coded anew: 4 bits a pixel is about what `QUALITY` makes of tissue."""
    return how.frames * how.tile_width * how.tile_height // 2

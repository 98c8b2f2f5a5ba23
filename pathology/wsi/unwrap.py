"""The scanner's file out of its wrapped instances and their remainder, byte for byte, proved by SHA-256."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pathology.dicom.frames import frame_places
from pathology.dicom.instance import read_instance
from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_TILES
from pathology.slide import Pieces
from pathology.source import ByteSource
from pathology.wsi.remainder import NAME, Remainder


def unwrap(instances: Sequence[ByteSource], remainder: Path | BinaryIO, out: BinaryIO | None) -> str:
    """Write the file that was wrapped to `out` (None: only prove that it could be); return its SHA-256 in hexadecimal.

    `instances` may come in any order; further ones of the series are not used. What was written is worth nothing if this raises:
    UnreadableSlide where an instance is missing or what comes out is not what went in.
    """
    if isinstance(remainder, Path):
        with remainder.open("rb") as file:
            return unwrap(instances, file, out)
    try:
        return _unwrap(instances, Remainder(remainder), out)
    except (zlib.error, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        found = f"it cannot be read ({type(error).__name__})"
        raise UnreadableSlide(Refusal.DAMAGED, NAME, 0, found, "Take the copy of a backup.") from None


def _unwrap(instances: Sequence[ByteSource], remainder: Remainder, out: BinaryIO | None) -> str:
    digest, written = hashlib.sha256(), 0
    for block in _blocks(_Frames(instances, remainder.head.instances), remainder):
        written += len(block)
        if written > remainder.head.size:
            break
        digest.update(block)
        if out is not None:
            out.write(block)
    found = digest.hexdigest()
    if written != remainder.head.size or found != remainder.head.sha256:
        said = f"{written} bytes with SHA-256 {found[:16]}... came out, {remainder.head.size} with {remainder.head.sha256[:16]}... went in"
        raise UnreadableSlide(Refusal.NOT_PROVED, NAME, 0, said)
    return found


def _blocks(frames: _Frames, remainder: Remainder) -> Iterator[bytes]:
    columns = (remainder.ranges[name].tolist() for name in ("gap", "frame", "prefix", "padding"))
    left = remainder.head.size
    for gap, number, prefix, padding in zip(*columns, strict=True):
        yield from remainder.literal(gap)
        frame = frames.read(number)
        tile = frame[:2] + frame[2 + prefix : len(frame) - padding]
        yield tile
        left -= gap + len(tile)
    if left > 0:
        yield from remainder.literal(left)


class _Frames:
    """All frames of all instances, by one number."""

    def __init__(self, sources: Sequence[ByteSource], wanted: Sequence[tuple[str, int]]) -> None:
        self._sources = sources
        known: dict[str, Pieces] = {}
        counts = dict(wanted)
        for file, source in enumerate(sources):
            instance = read_instance(source)
            uid = str(instance.dataset.get("SOPInstanceUID") or "")
            if uid in counts and 0 < counts[uid] <= MAX_TILES:
                known[uid] = frame_places(instance, file, counts[uid], 0)
        if missing := [uid for uid, _ in wanted if uid not in known]:
            said = f"{len(missing)} of {len(wanted)} instances are missing, the first is {missing[0][:64]}"
            raise UnreadableSlide(Refusal.NO_PICTURE, NAME, 0, said, "All instances of the slide's series are needed.")
        self._pieces = [known[uid] for uid, _ in wanted]
        self._firsts = np.cumsum([0, *(count for _, count in wanted)])

    def read(self, number: int) -> bytes:
        """A frame's bytes with their padding."""
        at = int(np.searchsorted(self._firsts, number, "right")) - 1
        if not 0 <= at < len(self._pieces):
            raise IndexError(number)
        places = self._pieces[at].places(number - int(self._firsts[at]))
        return b"".join(self._sources[place.file].read_at(place.offset, place.length) for place in places)

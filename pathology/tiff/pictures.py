"""Pictures beside the slide in a TIFF: label, macro, thumbnail. They are found, and decoded only when somebody asks."""

from __future__ import annotations

from pathology.errors import UnreadableSlide
from pathology.limits import MAX_PICTURE_PIXELS
from pathology.slide import Associated, Place, Slide
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import is_tiled, level, size
from pathology.tiles.coding import Pixels


def stored_places(directory: Directory, file: int = 0) -> tuple[Place, ...]:
    """Where the tiles or strips of a directory lie; those that pass the end of the file are left out."""
    tiled = is_tiled(directory)
    offsets = directory.numbers(tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS, MAX_PICTURE_PIXELS)
    lengths = directory.numbers(tags.TILE_BYTE_COUNTS if tiled else tags.STRIP_BYTE_COUNTS, MAX_PICTURE_PIXELS)
    pairs = zip(offsets.tolist(), lengths.tolist(), strict=False)
    return tuple(Place(file, at, length) for at, length in pairs if length and at + length <= directory.source.size)


def picture(directory: Directory, name: str) -> Associated | None:
    """A directory's picture by its name; None where its size cannot be one. Raises UnreadableSlide when it is read and damaged."""

    def read() -> Pixels:
        alone = Slide("TIFF", (directory.source,), (level(directory),))
        return alone.region(0, 0, 0, alone.width, alone.height)

    try:
        width, height = size(directory)
        places = stored_places(directory)
    except UnreadableSlide:
        return None
    if width * height > MAX_PICTURE_PIXELS:
        return None
    return Associated(name, width, height, read, places)

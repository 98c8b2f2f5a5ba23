"""Formats that OpenSlide reads for us: NDPI, MRXS, CZI, BIF and others whose tiles cannot be passed on as they lie.

OpenSlide older than 4.0.1 writes memory on a crafted BIF (CVE-2026-48977) and is not used. Call this in a process that may die.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pathology.errors import DamagedTile, Refusal, UnreadableSlide
from pathology.formats.generic_tiff import date_time
from pathology.limits import MAX_LEVELS, MAX_PICTURE_PIXELS, MAX_PIXELS, MAX_SIDE
from pathology.slide import BACKGROUND, Associated, Device, Level, Slide, scale
from pathology.source import FileSource
from pathology.tiles.coding import Pixels

if TYPE_CHECKING:
    from openslide import OpenSlide

TILE: Final = 512
"""Side in pixels of the tiles that are made."""

OLDEST: Final = (4, 0, 1)
"""Oldest OpenSlide that is fit for files from outside."""

VENDORS: Final[Mapping[str, str]] = {
    "aperio": "Aperio SVS", "dicom": "DICOM", "generic-tiff": "TIFF", "hamamatsu": "Hamamatsu", "leica": "Leica SCN", "mirax": "MIRAX",
    "philips-tiff": "Philips TIFF", "sakura": "Sakura", "trestle": "Trestle", "ventana": "Ventana BIF", "zeiss": "Zeiss CZI",
}  # fmt: skip

MAKERS: Final[Mapping[str, str]] = {"hamamatsu": "Hamamatsu", "mirax": "3DHISTECH", "ventana": "Ventana", "zeiss": "Zeiss"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Tiles of `TILE` pixels, drawn by OpenSlide."""

    source: OpenSlide
    levels: tuple[Level, ...]

    def pixels(self, level: int, column: int, row: int) -> Pixels:
        found = self.levels[level]
        x, y = column * TILE, row * TILE
        size = min(TILE, found.width - x), min(TILE, found.height - y)
        finest = self.levels[0]
        at = round(x * finest.width / found.width), round(y * finest.height / found.height)
        import openslide  # only where such a slide is open

        try:
            return _on_background(np.asarray(self.source.read_region(at, level, size)))
        except (openslide.OpenSlideError, OSError) as error:
            raise DamagedTile((level, column, row), 0, f"OpenSlide cannot read it: {plain(error)}") from None

    def close(self) -> None:
        self.source.close()


def read(path: str | os.PathLike[str]) -> Slide:
    """Read a slide through OpenSlide. Raises UnreadableSlide, also where OpenSlide is absent or too old."""
    source = _open(Path(path))
    file = FileSource(path)
    said = source.properties
    name = VENDORS.get(said.get("openslide.vendor", ""), "slide")
    try:
        levels = _levels(source, name)
        return Slide(
            name,
            (file,),
            levels,
            scale(_number(said.get("openslide.mpp-x")), _number(said.get("openslide.mpp-y")), "openslide-mpp"),
            _number(said.get("openslide.objective-power")),
            _associated(source),
            device=_device(said),
            notes=("Its tiles are drawn anew; they cannot be passed on as the scanner stored them.",),
            reader=_Reader(source, levels),
        )
    except BaseException:
        source.close()
        file.close()
        raise


def _open(path: Path) -> OpenSlide:
    try:
        import openslide  # only where it is needed: it loads a library of its own
    except (ImportError, OSError) as error:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, "slide", 0, "this format is read by OpenSlide, which is not installed") from error
    version = tuple(int(part) for part in re.findall(r"\d+", openslide.__library_version__)[:3])
    if version < OLDEST:
        found = f"this format is read by OpenSlide 4.0.1 or newer, {openslide.__library_version__} is installed"
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, "slide", 0, found)
    try:
        return openslide.OpenSlide(path)
    except openslide.OpenSlideUnsupportedFormatError:
        raise UnreadableSlide(Refusal.UNKNOWN_FORMAT, "unknown", 0, "no format of slides that is known here") from None
    except (openslide.OpenSlideError, OSError) as error:
        raise UnreadableSlide(Refusal.DAMAGED, "slide", 0, f"OpenSlide cannot read it: {plain(error)}") from None


def plain(error: Exception) -> str:
    """What a library says, without the names of files and folders: those may carry a patient's name."""
    return re.sub(r"\S*[/\\]\S*", "the file", str(error))[:200]


def _levels(source: OpenSlide, name: str) -> tuple[Level, ...]:
    if source.level_count > MAX_LEVELS:
        raise UnreadableSlide(Refusal.TOO_LARGE, name, 0, f"{source.level_count} levels, at most {MAX_LEVELS} are read")
    width, height = source.dimensions
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UnreadableSlide(Refusal.TOO_LARGE, name, 0, f"{width} x {height} px; at most {MAX_SIDE} px a side are read")
    return tuple(Level(width, height, TILE, TILE) for width, height in source.level_dimensions)


def _associated(source: OpenSlide) -> tuple[Associated, ...]:
    found: list[Associated] = []
    for name in source.associated_images:
        said = (source.properties.get(f"openslide.associated.{name}.{side}") for side in ("width", "height"))
        width, height = (int(_number(each) or 0) for each in said)

        def read(name: str = name) -> Pixels:
            return _on_background(np.asarray(source.associated_images[name]))

        if 0 < width * height <= MAX_PICTURE_PIXELS:
            found.append(Associated(name if name in ("label", "macro", "thumbnail") else f"picture-{len(found) + 1}", width, height, read))
    return tuple(found)


def _on_background(rgba: Pixels) -> Pixels:
    """RGBA over white; OpenSlide's alpha is 0 where the scanner stored nothing, and otherwise 255."""
    return np.where(rgba[..., 3:] == 0, np.uint8(BACKGROUND), rgba[..., :3])


def _device(said: Mapping[str, str]) -> Device:
    acquired = date_time(said.get("tiff.DateTime", ""), "%Y:%m:%d %H:%M:%S")
    maker = {"hamamatsu": "Hamamatsu", "mirax": "3DHISTECH", "ventana": "Ventana", "zeiss": "Zeiss"}.get(
        said.get("openslide.vendor", ""), ""
    )
    return Device(maker, said.get("tiff.Model", "")[:64], acquired=acquired)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < 1e9 else None
